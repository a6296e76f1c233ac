import type { ExitCode } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { Style } from './style.ts';
import { inertJson } from './text.ts';

/** The outcome of a command, in every form of output. */
export interface Outcome {
  /** The document of `--json` and `--report json=…`: plain data with a `schema`. */
  readonly document: { readonly schema: string };
  /** For people, ended by a newline. */
  readonly text: (style: Style) => string;
  readonly exit: ExitCode;
  /** Further report formats by name. */
  readonly reports?: Readonly<Record<string, () => string>>;
  /** Only in GitHub Actions. */
  readonly github?: {
    /** Shown as annotations: on their lines of the diff, if they have a place. */
    readonly findings?: readonly Omit<Finding, 'fix'>[];
    /** Appended to GITHUB_OUTPUT. */
    readonly outputs?: Readonly<Record<string, string>>;
    /** Markdown, appended to GITHUB_STEP_SUMMARY. */
    readonly summary?: () => string;
  };
}

/** Two outcomes as one, of which the second says how it ended; its document is in the first under `key`. */
export function nestOutcome(outer: Outcome, key: string, inner: Outcome): Outcome {
  return {
    ...inner,
    document: { ...outer.document, [key]: inner.document },
    text: (style) => `${outer.text(style)}\n${inner.text(style)}`,
  };
}

/** A document as it is printed and written: two spaces, one newline at the end. */
export function stringifyDocument(document: unknown): string {
  return `${inertJson(document, 2)}\n`;
}
