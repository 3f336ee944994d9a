import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useId, useRef, useState } from "react";

export interface Option {
  id: string;
  label: ReactNode;
  hint?: ReactNode;
  group?: string;
}

interface Props<T extends Option> {
  label: string;
  value: string;
  options: readonly T[];
  onType: (text: string, caret: number) => void;
  onAccept: (option: T) => void;
  onEnter?: (text: string) => void; // Enter with nothing highlighted; without it Enter takes the first option
  onEscape?: () => void;
  placeholder?: string;
  inputRef?: Ref<HTMLInputElement>;
  alwaysOpen?: boolean; // the list is part of the page (palette), not a sheet under the field
  empty?: ReactNode;
  className?: string;
  invalid?: boolean;
  describedBy?: string;
}

/**
 * A text field with suggestions, by the ARIA combobox pattern. With `onEnter` a suggestion is taken by a click, or by
 * Tab or Enter once the arrows chose it; what was typed is never changed by itself.
 */
export function Combobox<T extends Option>(props: Props<T>) {
  const { label, value, options, onType, onAccept, onEnter, alwaysOpen = false } = props;
  const id = useId();
  const [isOpen, setOpen] = useState(alwaysOpen);
  const [at, setAt] = useState(onEnter ? -1 : 0);
  const listRef = useRef<HTMLDivElement>(null);
  const shown = (isOpen || alwaysOpen) && (options.length > 0 || (alwaysOpen && props.empty !== undefined));
  const active = Math.min(at, options.length - 1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other suggestions, other choice
  useEffect(() => setAt(onEnter ? -1 : 0), [options.map((o) => o.id).join("\n"), onEnter === undefined]);
  useEffect(() => {
    listRef.current?.querySelector(`[data-at="${active}"]`)?.scrollIntoView({ block: "nearest" });
  }, [active]);
  const accept = (option: T | undefined) => {
    if (!option) return;
    onAccept(option);
    if (!alwaysOpen) setAt(-1);
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && options.length) {
      event.preventDefault();
      setOpen(true);
      const lowest = onEnter ? -1 : 0;
      const span = options.length - lowest;
      setAt(((active + step - lowest + span) % span) + lowest);
    } else if (event.key === "Tab" && shown && active >= 0 && onEnter && !event.shiftKey) {
      event.preventDefault();
      accept(options[active]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (shown && active >= 0) accept(options[active]);
      else {
        setOpen(false);
        onEnter?.(value);
      }
    } else if (event.key === "Escape") {
      if (shown && !alwaysOpen) {
        event.preventDefault();
        event.stopPropagation();
        setOpen(false);
      } else props.onEscape?.();
    }
  };
  return (
    <div className={`combobox ${props.className ?? ""}`}>
      <input
        ref={props.inputRef}
        type="text"
        role="combobox"
        aria-label={label}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-invalid={props.invalid || undefined}
        aria-describedby={props.describedBy}
        {...(shown && active >= 0 && { "aria-activedescendant": `${id}-${active}` })}
        autoComplete="off"
        spellCheck={false}
        placeholder={props.placeholder}
        value={value}
        onChange={(event) => {
          setOpen(true);
          onType(event.target.value, event.target.selectionStart ?? event.target.value.length);
        }}
        onKeyDown={press}
        onClick={(event) => {
          setOpen(true);
          onType(value, event.currentTarget.selectionStart ?? value.length);
        }}
        onBlur={() => setOpen(false)}
      />
      <div
        role="listbox"
        id={`${id}-list`}
        aria-label={`${label}: suggestions`}
        className={alwaysOpen ? "options" : "options options-sheet"}
        hidden={!shown}
        ref={listRef}
      >
        {shown &&
          options.map((option, n) => (
            <OptionRow
              key={option.id}
              option={option}
              id={`${id}-${n}`}
              n={n}
              isActive={n === active}
              head={option.group !== options[n - 1]?.group ? option.group : undefined}
              onPick={() => accept(option)}
            />
          ))}
      </div>
      {shown && !options.length && props.empty}
    </div>
  );
}

interface OptionRowProps {
  option: Option;
  id: string;
  n: number;
  isActive: boolean;
  head: string | undefined;
  onPick: () => void;
}

function OptionRow({ option, id, n, isActive, head, onPick }: OptionRowProps) {
  return (
    <>
      {head !== undefined && (
        <div className="option-group" role="presentation">
          {head}
        </div>
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the field takes the keys */}
      <div
        role="option"
        id={id}
        data-at={n}
        aria-selected={isActive}
        className={isActive ? "option active" : "option"}
        onMouseDown={(event) => event.preventDefault()} // the field keeps the focus
        onClick={onPick}
      >
        <span className="option-label">{option.label}</span>
        {option.hint !== undefined && <span className="option-hint">{option.hint}</span>}
      </div>
    </>
  );
}
