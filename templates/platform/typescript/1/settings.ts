/** The environment is not a valid configuration; the message names each variable and shows no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Reads one variable, parses it, and records a fault if it is missing or `parse` rejects it. */
export type Read = <T>(
  name: string,
  rule: string,
  parse: (text: string) => T | undefined,
  otherwise?: T,
) => T;

/** Returns what `make` reads of the environment. Throws a ConfigError that names all invalid variables. */
export function readSettings<T>(
  environment: Readonly<Record<string, string | undefined>>,
  make: (read: Read) => T,
): T {
  const faults: string[] = [];
  /** The value of a variable, or `otherwise` if it is not set. Faults are thrown together below. */
  const read: Read = (name, rule, parse, otherwise) => {
    const text = environment[name];
    const value = text === undefined ? otherwise : parse(text);
    if (value === undefined) faults.push(`${name}: ${text === undefined ? 'is required but not set' : rule}`);
    return value as NonNullable<typeof value>;
  };
  const settings = make(read);
  if (faults.length > 0) throw new ConfigError(faults.join('; '));
  return settings;
}

/** An https URL; on the loopback interface also http. */
export function secureUrl(text: string): URL | undefined {
  const url = httpUrl(text);
  const secure = url?.protocol === 'https:' || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url?.hostname ?? '');
  return secure ? url : undefined;
}

/** A number without sign and fraction, in a range. */
export function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

/** A URL without credentials, so that errors may show it. */
export function httpUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return undefined;
  return /^https?:[^?#]*$/.test(url.href) ? url : undefined;
}

/** Ends with a slash, so that relative paths can be resolved. */
export function baseUrl(text: string): URL | undefined {
  const url = httpUrl(text);
  if (url !== undefined && !url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}
