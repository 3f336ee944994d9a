import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { askAnew } from "../../api/anew";
import { api } from "../../api/client";
import type { Comment } from "../../api/types";
import { type ScoreTarget, useAuthor } from "../../api/useScoring";
import { when } from "../../model/format";
import { visibleText } from "../../model/hygiene";
import { toast } from "../../ui/Toast";
import { Signed } from "../scores/ScorePane";
import "./comments.css";

/** What people say of a trace or span, oldest first; one's own can be taken back. */
export function CommentPane({ target }: { target: ScoreTarget }) {
  const client = useQueryClient();
  const [author, sign] = useAuthor();
  const [text, setText] = useState("");
  const { project, ...ids } = target;
  const own = ids.span_id ? "span_id" : "trace_id";
  const found = useQuery({
    queryKey: ["comments", project, own, ids[own] ?? ""],
    queryFn: ({ signal }) => api.comments(ids, signal),
  });
  const comments = (found.data ?? []).filter((comment) => comment[own] === ids[own]);
  const change = async (doing: string, done: Promise<unknown>) => {
    try {
      await done;
      return true;
    } catch (error) {
      toast(`${doing}: ${(error as Error).message}`, { isError: true });
      return false;
    } finally {
      await askAnew(client, ["comments"]);
    }
  };
  return (
    <div className="comment-pane">
      {found.error && <p className="label-error">{found.error.message}</p>}
      {comments.length > 0 && (
        <ol className="comments">
          {comments.map((comment) => (
            <Said
              key={comment.id}
              comment={comment}
              isOwn={comment.author === author}
              onDrop={() => void change("Not taken back", api.dropComment(comment.id))}
            />
          ))}
        </ol>
      )}
      <form
        onSubmit={async (event) => {
          event.preventDefault();
          if (await change("Not saved", api.comment({ ...ids, text: text.trim(), author }))) setText("");
        }}
      >
        <textarea
          aria-label="Comment"
          placeholder="What others should know of it"
          rows={3}
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <span className="comment-end">
          <Signed author={author} onSign={sign} />
          <button type="submit" disabled={!text.trim()}>
            Comment
          </button>
        </span>
      </form>
    </div>
  );
}

function Said({ comment, isOwn, onDrop }: { comment: Comment; isOwn: boolean; onDrop: () => void }) {
  return (
    <li>
      <p className="muted">
        {visibleText(comment.author) || "unsigned"} <span className="number">{when(comment.ts_us)}</span>
        {comment.updated_us > comment.ts_us && " · edited"}
        {isOwn && (
          <button type="button" className="icon-button" aria-label="Take the comment back" onClick={onDrop}>
            ✕
          </button>
        )}
      </p>
      <p className="comment-text">{visibleText(comment.text)}</p>
    </li>
  );
}
