/** Hosts that are the machine itself, or that RFC 2606 keeps for documentation. */
export const LOCAL =
  /^(?:localhost|127(?:\.\d+){3}|0\.0\.0\.0|\[?::1\]?|(?:[^:]+\.)?(?:example|test|invalid|localhost)(?:\.(?:com|org|net))?)(?::\S*)?$/i;

/** The parts of a URL, of a data source name or of a connection string; empty if they are not there. */
export interface Address {
  readonly user: string;
  readonly password: string;
  readonly host: string;
}

const USER = /\b(?:user(?:name| id)?|uid)=\s*['"]?([^;&\s'"]*)/i;
const PASSWORD = /\b(?:password|pwd|SharedAccessKey)=\s*(?:'([^']*)'|([^;&\s'"]*))/i;
const HOST = /\b(?:host(?:addr)?|server|data source|endpoint)=\s*['"]?(?:tcp:|sb:\/\/)?([^;&\s'",/]*)/i;

/** The parts of an address: `scheme://user:password@host`, `user:password@tcp(host)`, `host=…;password=…`, `jdbc:…`. */
export function addressOf(text: string): Address {
  const [, user, password, host] =
    /^(?:(?!:\/\/).)*:\/\/([^:/?#]*):(.*)@([^@/?#]*)/s.exec(text) ??
    /^([^:@]*):([^@]*)@(?:tcp|udp|unix)\d?\(([^)]*)\)/.exec(text) ??
    [];
  if (password !== undefined) return { user: user ?? '', password, host: host ?? '' };
  const named = PASSWORD.exec(text);
  const [, target] = HOST.exec(text) ?? /^jdbc:[\w:]*(?:\/\/|@)(?:\/\/)?([^/;?]*)/i.exec(text) ?? [];
  return { user: USER.exec(text)?.[1] ?? '', password: named?.[1] ?? named?.[2] ?? '', host: target ?? '' };
}
