import { pino } from 'pino';

/** A log record. */
export interface LogRecord {
  readonly level: string;
  readonly message?: string;
  readonly err?: { readonly message: string; readonly code?: string };
  readonly [field: string]: unknown;
}

/** A logger that records its output. */
export function recorder() {
  const records: LogRecord[] = [];
  const formatters = { level: (level: string) => ({ level }) };
  const log = pino({ formatters }, { write: (line) => void records.push(JSON.parse(line)) });
  return { log, records };
}
