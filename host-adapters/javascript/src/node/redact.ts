// Passwords stay out of messages.

/** The URL without its password. */
export function redact(url: string): string {
  // A password may hold anything, even what ends an authority: leave out all between the user's name and the last
  // `@`, and the values of options that are secrets.
  const mark = url.indexOf("?");
  const hasOptions = mark >= 0 && !url.slice(mark).includes("@");
  const before = hasOptions ? url.slice(0, mark) : url;
  const shown = before.replace(/^([^:]*:\/\/[^:@]*):.*@/s, "$1:…@");
  if (!hasOptions) return shown;
  return shown + url.slice(mark).replace(/([?&][^=&]*password[^=&]*=)[^&]*/gi, "$1…");
}
