"""Pictures, recordings and documents: files beside the span, their names and sizes in it."""

import base64
import io

import openai
import pytest
from fake_openai import chat, response, sse
from trailmark.testing import record_trail

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100
PICTURE = base64.b64encode(PNG).decode()
WAV = b"RIFF\0\0\0\0WAVEfmt " + bytes(30_000)
WEBP = b"RIFF\0\0\0\0WEBPVP8 " + bytes(30_000)


def files(trail):
    found = [record for record in trail.records if record["k"] == "file"]
    return [(file["content_type"], base64.b64decode(file["data"]), file["span_id"]) for file in found]


def ask_about(client, url=f"data:image/png;base64,{PICTURE}"):
    content = [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}]
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": content}])


def test_a_picture_that_is_sent_is_a_file_of_the_span_which_names_it(client, fake, trail):
    fake.answer(chat())
    ask_about(client)

    [(kind, data, owner)] = files(trail)
    span = trail.span("openai.chat")
    assert (kind, data, owner) == ("image/png", PNG, span["id"])
    [name] = [record["name"] for record in trail.records if record["k"] == "file"]
    assert span["input"]["messages"][0]["content"][1] == {"type": "image_url", "image_url": {"url": f"[{name}]"}}
    assert fake.requests[0][2]["messages"][0]["content"][1]["image_url"]["url"].endswith(PICTURE)


@pytest.mark.parametrize(("data", "kind"), [(WAV, "audio/wav"), (WEBP, "image/webp"), (PNG, "image/png")])
def test_media_without_a_data_url_are_known_by_how_they_begin(client, fake, trail, data, kind):
    fake.answer(chat())
    part = {"type": "input_audio", "input_audio": {"data": base64.b64encode(data).decode(), "format": "wav"}}
    client.chat.completions.create(model="m", messages=[{"role": "user", "content": [part]}])

    assert [file[:2] for file in files(trail)] == [(kind, data)]


def test_pictures_that_are_made_are_files_of_the_span(client, fake, trail):
    done = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": PICTURE}
    answer = response("Here")
    answer["output"].append(done)
    fake.answer({"created": 1, "data": [{"b64_json": PICTURE}]})
    fake.answer(sse({"type": "image_generation.completed", "b64_json": PICTURE}, done=False))
    fake.answer(answer)
    client.images.generate(prompt="a cat")
    body = {"prompt": "a cat", "stream": True}
    list(client.post("/images/generations", cast_to=object, body=body, stream=True, stream_cls=openai.Stream[object]))
    client.post("/responses", cast_to=object, body={"model": "gpt-5", "input": "draw"})

    assert [file[1] for file in files(trail)] == [PNG] * 3
    assert [file[2] for file in files(trail)] == [span["id"] for span in trail.spans]
    assert PICTURE[:600] not in str(trail.spans)


def test_speech_is_a_file_of_the_span_however_it_is_read(client, fake, trail):
    asked = {"model": "tts-1", "voice": "alloy", "input": "Hello"}
    for _ in range(2):
        fake.answer([WAV[:100], WAV[100:]], kind="audio/wav")
    assert client.audio.speech.create(**asked).content == WAV
    with client.audio.speech.with_streaming_response.create(**asked) as raw:
        assert b"".join(raw.iter_bytes()) == WAV

    assert [file[:2] for file in files(trail)] == [("audio/wav", WAV)] * 2


def test_an_uploaded_recording_is_a_file_if_its_bytes_are_at_hand(client, fake, trail, tmp_path):
    path = tmp_path / "b.wav"
    path.write_bytes(WAV)
    stream = io.BytesIO(WAV)
    stream.name = "c.wav"
    for file in (("a.wav", WAV), path, stream):
        fake.answer({"text": "Hello"})
        client.audio.transcriptions.create(model="whisper-1", file=file)

    assert [record["name"] for record in trail.records if record["k"] == "file"] == ["a.wav", "b.wav"]
    assert all(WAV in body for _, _, body in fake.requests)


def test_files_of_a_program_are_not_copied(client, fake, trail):
    fake.answer({"id": "file-1", "object": "file", "bytes": 9, "created_at": 1, "filename": "a", "purpose": "batch"})
    client.files.create(file=("a.png", PNG), purpose="vision")

    assert files(trail) == []


def test_what_only_looks_like_media_stays(client, fake, trail):
    thought = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA" + "Bx7_" * 3000}
    answer = response("Hi")
    answer["output"].insert(0, thought)
    fake.answer(answer)
    client.post("/responses", cast_to=object, body={"model": "gpt-5", "input": "data:text/plain," + "a" * 5000})

    span = trail.span("openai.responses")
    assert span["output"]["output"][0] == thought
    assert span["input"]["input"] == "data:text/plain," + "a" * 5000
    assert files(trail) == []


def test_base64_that_is_none_is_no_file_and_no_fault(client, fake, trail):
    fake.answer(chat())
    ask_about(client, f"data:image/png;base64,{PICTURE}A")

    assert trail.tree() == "openai.chat (llm) ok"
    assert files(trail) == []


def test_a_setting_leaves_the_content_out(client, fake):
    fake.answer(chat())
    fake.answer([WAV], kind="audio/wav")
    fake.answer({"text": "Hello"})
    with record_trail(capture_media=False) as trail:
        ask_about(client)
        client.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", WAV))

    assert files(trail) == []
    assert trail.spans[0]["input"]["messages"][0]["content"][1]["image_url"]["url"] == f"[image/png, {len(PNG)} bytes]"
    assert trail.spans[1]["output"] == {"bytes": len(WAV), "content_type": "audio/wav"}
