import type { ReactNode } from "react";

interface Props {
  caption?: string;
  columns: readonly (string | { number: string })[]; // a number's head stands at the right
  hasActions?: boolean;
  children: ReactNode; // its rows
}

/** A small table of settings; what can be done with a row stands in a last column without a name. */
export function Table({ caption, columns, hasActions = false, children }: Props) {
  return (
    <table className="plain settings-table">
      {caption && <caption>{caption}</caption>}
      <thead>
        <tr>
          {columns.map((one) =>
            typeof one === "string" ? (
              <th key={one}>{one}</th>
            ) : (
              <th key={one.number} className="number">
                {one.number}
              </th>
            ),
          )}
          {hasActions && (
            <th>
              <span className="sr-only">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
