import { createHash } from 'node:crypto';

/** What was asked for, and how it is found again. Holds no secret. */
export interface JournalEntry {
  readonly schema: 'primitive.gitops-journal/v1';
  /** In the name of the run. */
  readonly id: string;
  /** Of the process that may send it: the id that it would have given the request. */
  readonly claim: string;
  /** The base URL of the API. */
  readonly api: string;
  readonly repository: string;
  readonly workflow: string;
  readonly ref: string;
  /** What is sent, without the id. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Head branch of the pull request. */
  readonly branch: string;
  /** Paths of the files that the pull request adds; empty where they are not known. */
  readonly files: readonly string[];
  /** What the pull request may change at all: paths, in which `*` is a name. Absent where that is not known. */
  readonly allowed?: readonly string[];
  /** Of the run, once it is known. */
  readonly run?: number;
}

/** What is asked for, before it has an id. */
export type Asked = Omit<JournalEntry, 'id' | 'claim' | 'run'>;

/** What is kept of requests between two calls, one entry a request: two equal ones share it. */
export interface Journal {
  /** By {@link keyOf}; undefined where it is missing or unreadable. */
  read(key: string): Promise<JournalEntry | undefined>;
  /**
   * Keeps the first of two that are written at the same time; the entry that is kept. `ended` is the entry that it takes
   * the place of.
   */
  create(key: string, entry: JournalEntry, ended?: JournalEntry): Promise<JournalEntry>;
  /** Replaces the entry. */
  replace(key: string, entry: JournalEntry): Promise<void>;
  /** Forgets a request that had no effect. */
  remove(key: string): Promise<void>;
  /** The one that was written last comes first. */
  list(): Promise<readonly JournalEntry[]>;
}

/** What makes two requests the same: all but the id. */
export function keyOf(entry: Asked): string {
  const { api, repository, workflow, ref, inputs } = entry;
  const sorted = Object.entries(inputs).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([api, repository.toLowerCase(), workflow, ref, sorted]))
    .digest('hex')
    .slice(0, 32);
}
