import type { Json } from "../api/types";
import { type Message, messagesOf, parametersOf } from "../model/messages";
import { JsonView } from "./JsonView";
import { Text } from "./Text";

/** A recorded value as a person reads it: a conversation, text, or JSON. */
export function Value({ value }: { value: Json }) {
  if (typeof value === "string") return <Text text={value} />;
  const messages = messagesOf(value);
  if (!messages) return <JsonView value={value} />;
  const parameters = parametersOf(value);
  return (
    <>
      <ol className="chat">
        {messages.map((message, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the order of messages is their identity
          <ChatMessage key={n} message={message} />
        ))}
      </ol>
      {parameters && <JsonView value={parameters} openDepth={0} name="parameters" />}
    </>
  );
}

function ChatMessage({ message }: { message: Message }) {
  return (
    <li className={`message role-${message.role}`}>
      <span className="role">{message.role}</span>
      <div className="message-body">
        {message.text && <Text text={message.text} />}
        {message.calls.map((call, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: calls have no other identity
          <div className="tool-call" key={n}>
            <span className="kind kind-tool">T</span> <strong>{call.name}</strong>
            <pre>{call.args}</pre>
          </div>
        ))}
        {message.other.map((part, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity
          <JsonView key={n} value={part} openDepth={1} />
        ))}
      </div>
    </li>
  );
}
