import type { Digest } from '../../core/digest.ts';
import type { Kind } from '../../kinds/kind.ts';
import type { RenderedFile } from '../../kinds/render.ts';
import type { TemplateOrigin } from '../../repository/provenance.ts';
import type { ScaffoldDocument } from './document.ts';
import type { EditedFile } from './edited.ts';
import type { Existing, Site } from './facts.ts';

/** `primitive.scaffold-plan/v1`: what `--dry-run` prints is what is executed. */
export type ScaffoldPlan = Omit<ScaffoldDocument, 'written'>;

/** One file of a plan. `existing` is compared again before anything is written. */
export type PlannedFile = ScaffoldPlan['files'][number];

/** The action of scaffold on a file. Those of {@link WRITES} write, and `delete`. */
export type Action = PlannedFile['action'];

/** Why a file has its action, unless that is obvious. */
export type ActionReason = NonNullable<PlannedFile['reason']>;

/** Content to write: the bytes of every file that a plan creates or regenerates, by its digest. */
export type Contents = ReadonlyMap<Digest, Uint8Array>;

/** Input of a plan. */
export interface ScaffoldFacts {
  readonly kind: Kind;
  readonly name: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** SHA-256 of the events that it takes, in hex. */
  readonly events?: string | undefined;
  readonly rendered: ReadonlyMap<string, RenderedFile>;
  readonly site: Site;
  /** The current state of the rendered and recorded paths, and of `primitive.yaml`. */
  readonly existing: ReadonlyMap<string, Existing>;
  /** Files in the folder of a new primitive that scaffold did not write; sorted. */
  readonly unmanaged: readonly string[];
  /** Write files again that were deleted. */
  readonly restore: boolean;
  /** Take over what the template changed; else files that are there stay as they are. */
  readonly update: boolean;
  /** For an update: each edited file whose template changed, with the text that both changes began from. */
  readonly edited: ReadonlyMap<string, EditedFile>;
  /** For an update: the path of a file that the template renamed -> the path before. */
  readonly moved: ReadonlyMap<string, string>;
  /** For an update: files of shared code that become their owner's; sorted. */
  readonly ejected: readonly string[];
  /** Path of each template file -> its digest. */
  readonly templates: ReadonlyMap<string, Digest>;
  /** Of the template; undefined for one of the repository itself. */
  readonly origin: TemplateOrigin | undefined;
}

/** Files whose template changed and that did not take it over. */
const BEHIND: readonly (ActionReason | undefined)[] = [
  'template-changed',
  'template-added',
  'edited-and-template-changed',
  'base-missing',
];

/** Whether a file is older than its template once the plan is executed. */
export function isBehind({ action, reason }: PlannedFile): boolean {
  return (action === 'keep' || action === 'skip') && BEHIND.includes(reason);
}

export const WRITES: readonly Action[] = ['create', 'update', 'merge', 'move'];

/** Whether a file stays as its owner has it, or with the owner's changes. */
export function staysOwners({ action }: Pick<PlannedFile, 'action'>): boolean {
  return ['keep', 'skip', 'merge'].includes(action);
}
