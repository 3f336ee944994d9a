import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";

interface PopoverProps {
  label: ReactNode;
  title?: string;
  className?: string;
  children: (close: () => void) => ReactNode; // made when it opens
}

/** A button and what it shows under itself; Escape and a click elsewhere close it (the native popover does both). */
export function Popover({ label, title, className = "", children }: PopoverProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const sheet = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const close = () => {
    sheet.current?.hidePopover();
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (isOpen && button.current && sheet.current) place(sheet.current, button.current);
  }, [isOpen]);
  return (
    <>
      <button
        ref={button}
        type="button"
        className={className}
        title={title}
        aria-label={typeof label === "string" ? undefined : title}
        aria-expanded={isOpen}
        aria-haspopup="dialog"
        popoverTarget={id}
      >
        {label}
      </button>
      <div
        ref={sheet}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={title ?? (typeof label === "string" ? label : "Options")}
        className="popover"
        onToggle={(event) => setOpen(event.newState === "open")}
      >
        {isOpen && children(close)}
      </div>
    </>
  );
}

/** Under the button, inside the window. */
function place(sheet: HTMLElement, button: HTMLElement): void {
  const at = button.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, window.innerWidth - sheet.offsetWidth - 8));
  const isLow = at.bottom + sheet.offsetHeight + 12 > window.innerHeight && at.top > sheet.offsetHeight + 12;
  sheet.style.left = `${left}px`;
  sheet.style.top = `${isLow ? at.top - sheet.offsetHeight - 4 : at.bottom + 4}px`;
}

export interface MenuItem {
  label: string;
  keys?: string;
  danger?: boolean;
  disabled?: string; // why not
  run: () => void;
}

interface MenuProps {
  label: ReactNode;
  title?: string;
  className?: string;
  items: MenuItem[];
}

/** A menu by the ARIA pattern: arrows walk, Enter and Space choose. */
export function Menu({ label, title, className, items }: MenuProps) {
  return (
    <Popover label={label} {...(title && { title })} {...(className && { className })}>
      {(close) => <MenuItems items={items} close={close} />}
    </Popover>
  );
}

function MenuItems({ items, close }: { items: MenuItem[]; close: () => void }) {
  const menu = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => menu.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus(), []);
  const walk = (event: KeyboardEvent) => {
    const all = [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    all[(to + all.length) % all.length]?.focus();
  };
  return (
    <div role="menu" className="menu" ref={menu} onKeyDown={walk} tabIndex={-1}>
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          className={item.danger ? "menu-item danger" : "menu-item"}
          aria-disabled={item.disabled !== undefined}
          title={item.disabled}
          onClick={() => {
            if (item.disabled !== undefined) return;
            close();
            item.run();
          }}
        >
          <span>{item.label}</span>
          {item.keys && <kbd>{item.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}
