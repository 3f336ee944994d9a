import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "../../api/client";
import type { Price } from "../../api/types";
import { visibleText } from "../../model/hygiene";
import { Failed, Loading } from "../../ui/States";
import { Table } from "./Table";
import { useSaved } from "./useSaved";

const PARTS = ["input", "input_cached", "output"] as const;

/** Prices of one's own, for models no list knows or for what one really pays. */
export function Prices() {
  const found = useQuery({ queryKey: ["prices"], queryFn: ({ signal }) => api.prices(signal) });
  const save = useSaved("prices", "metrics");
  if (found.isError)
    return <Failed what="The prices cannot be shown" error={found.error} onRetry={() => found.refetch()} />;
  if (!found.data) return <Loading rows={3} />;
  return (
    <div className="settings-form">
      <p className="muted">
        USD for a million tokens. They stand before the known list and hold for what comes;{" "}
        <code>trailmark reprice</code> applies them to what is there.
      </p>
      {found.data.length > 0 && (
        <Table
          columns={["Model", "Provider", { number: "Input" }, { number: "Cached" }, { number: "Output" }]}
          hasActions
        >
          {found.data.map((price) => (
            <tr key={`${price.model} ${price.provider}`}>
              <td>{visibleText(price.model)}</td>
              <td className="muted">{visibleText(price.provider || "any")}</td>
              {PARTS.map((part) => (
                <td key={part} className="number">
                  {price.parts[part] ?? ""}
                </td>
              ))}
              <td>
                <button
                  type="button"
                  aria-label={`Delete the price of ${price.model}`}
                  onClick={() => save("Price", () => api.dropPrice(price.model, price.provider ?? ""))}
                >
                  Delete
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <NewPrice onSave={(price) => save("Price", () => api.setPrice(price))} />
    </div>
  );
}

function NewPrice({ onSave }: { onSave: (price: Price) => Promise<boolean> }) {
  const [model, setModel] = useState("");
  const [provider, setProvider] = useState("");
  const [given, setGiven] = useState<Record<string, string>>({});
  const filled = PARTS.filter((part) => given[part]?.trim());
  const parts = Object.fromEntries(filled.map((part) => [part, Number(given[part])]));
  const isValid =
    model.trim() !== "" && filled.length > 0 && filled.every((part) => Number(given[part]) >= 0);
  return (
    <form
      className="settings-row"
      onSubmit={async (event) => {
        event.preventDefault();
        if (await onSave({ model: model.trim(), provider: provider.trim(), parts })) {
          setModel("");
          setGiven({});
        }
      }}
    >
      <input
        type="text"
        aria-label="Model"
        placeholder="model, or house-*"
        value={model}
        onChange={(event) => setModel(event.target.value)}
      />
      <input
        type="text"
        aria-label="Provider"
        placeholder="any provider"
        value={provider}
        onChange={(event) => setProvider(event.target.value)}
      />
      {PARTS.map((part) => (
        <input
          key={part}
          type="number"
          min={0}
          step="any"
          aria-label={part}
          placeholder={part.replace("_", " ")}
          value={given[part] ?? ""}
          onChange={(event) => setGiven({ ...given, [part]: event.target.value })}
        />
      ))}
      <button type="submit" disabled={!isValid}>
        Set the price
      </button>
    </form>
  );
}
