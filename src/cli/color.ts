/** Whether to colour what goes to a stream: https://no-color.org and https://force-color.org; the former wins. */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (NO_COLOR) return false;
  return FORCE_COLOR ? isSet(FORCE_COLOR) : stream.isTTY === true && TERM !== 'dumb';
}

/** Whether a variable that means yes or no means yes; `0` and `false` do not. */
export function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
