import { type ReactNode, useState } from "react";
import type { Status as StatusName } from "../../api/types";
import { kindOf } from "../../model/kinds";
import { useKeys } from "../../ui/keys";
import { remember, remembered } from "../../ui/remember";
import { Status } from "../../ui/Status";
import { type Tab, Tabs } from "../../ui/Tabs";

interface Props {
  name: string;
  type: string;
  status: StatusName;
  facts: [name: string, value: string | null, title?: string][];
  tags: string[];
  actions?: ReactNode;
  tab: string;
  onTab: (id: string) => void;
  tabs: (isRaw: boolean) => Tab[];
}

/** Head and tabs of a pane. The tab is remembered by the kind of the span; `1` to `9` open one. */
export function PaneFrame(props: Props) {
  const { name, type, status, facts, tags, tab, onTab } = props;
  const [isRaw, setRaw] = useState(false);
  const tabs = props.tabs(isRaw);
  const kept = remembered(`tab-${type}`);
  const open = [tab, kept].find((id) => tabs.some((one) => one.id === id)) ?? tabs[0]?.id ?? "";
  const choose = (id: string) => {
    remember(`tab-${type}`, id);
    onTab(id);
  };
  useKeys("Details", [
    ...tabs.map((one, n) => ({ keys: String(n + 1), label: one.label, run: () => choose(one.id) })),
    { keys: "m", label: "As text, as rendered", run: () => setRaw(!isRaw) },
  ]);
  const kind = kindOf(type);
  return (
    <>
      <div className="pane-head">
        <h2>
          <span className={`kind kind-${kind.css}`}>{kind.letter}</span>
          <span className="pane-name">{name || "(no name)"}</span>
          <span className="muted">{type}</span>
          {status !== "ok" && <Status status={status} word />}
          {tags.map((one) => (
            <span key={one} className="tag">
              {one}
            </span>
          ))}
          <span className="pane-actions">{props.actions}</span>
        </h2>
        <dl className="facts">
          {facts.map(
            ([label, value, title]) =>
              value !== null && (
                <div key={label} title={title}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ),
          )}
        </dl>
      </div>
      <Tabs tabs={tabs} open={open} onOpen={choose} />
    </>
  );
}
