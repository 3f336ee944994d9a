/** Characters that make text look like other text: control characters and bidirectional overrides, as visible marks. */
const UNSEEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u202a-\u202e\u2066-\u2069]/g;

export const visibleText = (text: string): string =>
  text.replace(UNSEEN, (c) => `⟨${c.charCodeAt(0).toString(16).padStart(4, "0")}⟩`);

const SECRET =
  /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|api[-_]?key|.*(secret|password|access_token|api_key))$/i;

/** Names whose values are shown only on a click. */
export const isSecretName = (name: string): boolean => SECRET.test(name);

const LINK = /^(https?:\/\/|mailto:)/i;

/** An address that may be a link: with a scheme of its own, and none that runs anything. */
export const safeHref = (href: string): string | null => (LINK.test(href.trim()) ? href.trim() : null);

const IMAGE = /^data:image\/(png|jpeg|gif|webp|avif);base64,[A-Za-z0-9+/=]*$/;
const AUDIO = /^data:audio\/[\w.+-]+;base64,[A-Za-z0-9+/=]*$/;
const MAX_INLINE = 7_000_000; // characters: 5 MB in base64

/** An image that may be shown: inline and small enough. Nothing is ever fetched from elsewhere. */
export const safeImage = (url: string): string | null =>
  IMAGE.test(url) && url.length <= MAX_INLINE ? url : null;
export const safeAudio = (url: string): string | null =>
  AUDIO.test(url) && url.length <= MAX_INLINE ? url : null;
