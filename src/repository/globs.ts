import picomatch from 'picomatch';
import type { Listing } from './listing.ts';

/**
 * One pattern of `inputs`.
 *
 * It is matched against the path of each file below the context, from its beginning to its end, with forward slashes
 * and case-sensitively: `*` and `?` stay within one name, `**` spans folders, `[a-z]` and `{a,b}` are alternatives,
 * names with a leading dot are nothing special, `\` takes the next character as it is. A folder is not a file:
 * `pkg/**` and not `pkg`. A leading `!` takes away. The last pattern that matches a file decides.
 */
export interface Glob {
  readonly negated: boolean;
  /** Without the `!`. */
  readonly pattern: string;
  /** The folder that all matches are in; '' is the context. */
  readonly base: string;
  readonly matches: (path: string) => boolean;
}

// `s`: a name may contain a line feed. No extended globs: nested quantifiers can take exponential time.
const OPTIONS: picomatch.PicomatchOptions = {
  dot: true,
  nonegate: true,
  noextglob: true,
  strictSlashes: true,
  flags: 's',
  windows: false,
};

/** Compiles and applies patterns, each once however many components share it. */
export class GlobMatcher {
  readonly #listing: Listing<{ readonly path: string }>;
  readonly #globs = new Map<string, Glob>();
  readonly #matches = new Map<string, readonly number[]>();

  constructor(listing: Listing<{ readonly path: string }>) {
    this.#listing = listing;
  }

  compile(text: string): Glob {
    const known = this.#globs.get(text);
    if (known !== undefined) return known;
    const negated = text.startsWith('!');
    const pattern = negated ? text.slice(1) : text;
    const glob: Glob = { negated, pattern, base: baseOf(pattern), matches: picomatch(pattern, OPTIONS) };
    this.#globs.set(text, glob);
    return glob;
  }

  /** Positions in the listing of the files below `context` that the pattern matches, whether it is negated or not. */
  matching(context: string, glob: Glob): readonly number[] {
    const key = `${context}\0${glob.pattern}`;
    const known = this.#matches.get(key);
    if (known !== undefined) return known;
    const prefix = context === '' ? 0 : context.length + 1;
    const [start, end] = this.#listing.range([context, glob.base].filter((part) => part !== '').join('/'));
    const found: number[] = [];
    for (let i = start; i < end; i += 1) {
      const path = this.#listing.entries[i]?.path.slice(prefix) ?? '';
      if (glob.matches(path)) found.push(i);
    }
    this.#matches.set(key, found);
    return found;
  }
}

/** Whether the last pattern that matches a path (relative to the context) takes it in. */
export function isInput(globs: readonly Glob[], path: string): boolean {
  return globs.findLast((glob) => glob.matches(path))?.negated === false;
}

/** The file or folder (relative to the context) in which a pattern finds all that it takes in; undefined if it takes away. */
export function globRoot(text: string): string | undefined {
  if (text.startsWith('!')) return undefined;
  return PLAIN.test(text) && !DOT.test(text) ? text : baseOf(text);
}

/** Nothing that could mean something. */
const PLAIN = /^[\w./ -]+$/;

/** The folders at a pattern's front that are plain names: `pkg/api` of `pkg/api/**\/*.proto`. */
function baseOf(pattern: string): string {
  const { base } = picomatch.scan(pattern);
  const folders = base === pattern ? base.split('/').slice(0, -1).join('/') : base;
  return /[\\{}[\]()*?!+@]/.test(folders) || DOT.test(pattern) ? '' : folders;
}

/** A name `.`: it means nothing, but makes the base another text than that of the paths. */
const DOT = /(?:^|\/)\.(?:\/|$)/;
