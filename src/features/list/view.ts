import type { Kind } from '../../kinds/kind.ts';
import type { Style } from '../../render/style.ts';
import { table } from '../../render/table.ts';
import type { ListedPrimitive, PrimitiveState } from './inventory.ts';

/** `primitive.list/v1`. */
export interface Inventory {
  readonly schema: 'primitive.list/v1';
  /** Null before the first commit. */
  readonly commit: string | null;
  /** Sorted by kind, then name. */
  readonly primitives: readonly {
    readonly kind: string;
    readonly name: string;
    /** Folder, relative to the repository root. */
    readonly path: string;
    readonly state: PrimitiveState;
    /** Why the state is `invalid`; null otherwise. */
    readonly problem: string | null;
    /** `<registry>/<image>`; null where `primitive.yaml` cannot be read. */
    readonly image: string | null;
    /** 64 hex digits, of HEAD; null unless the state is `committed`. */
    readonly inputDigest: string | null;
    /** That the kind is written in; null for a kind that is not known. */
    readonly language: string | null;
    /** What it was scaffolded from; null where a person wrote it. The template has moved on where `latest` is more. */
    readonly template: { readonly version: number; readonly latest: number } | null;
  }[];
}

/** The inventory as a document. */
export function inventoryOf(
  commit: string | undefined,
  listed: readonly ListedPrimitive[],
  kinds: ReadonlyMap<string, Pick<Kind, 'language' | 'version'> | undefined>,
): Inventory {
  return {
    schema: 'primitive.list/v1',
    commit: commit ?? null,
    primitives: listed.map(({ kind, name, path, state, problem, component, inputDigest }) => {
      const version = component?.templateVersion;
      const known = kinds.get(kind);
      return {
        kind,
        name,
        path,
        state,
        problem: problem ?? null,
        image: component?.repository ?? null,
        inputDigest: inputDigest ?? null,
        language: known?.language ?? null,
        template: version === undefined ? null : { version, latest: known?.version ?? version },
      };
    }),
  };
}

/** A line per primitive: what it is, its language and template, its image, its input digest or state; then what is wrong. */
export function inventoryText({ primitives }: Inventory, style: Style): string {
  if (primitives.length === 0) {
    return 'There is no primitive yet. To make one: primitive scaffold --kind domain --name orders\n';
  }
  const rows = primitives.map(({ kind, name, image, inputDigest, language, template, state }) => [
    `${kind}/${name}`,
    language ?? '-',
    templateText(template, style),
    image ?? '-',
    inputDigest === null ? stateText(state, style) : style.dim(inputDigest.slice(0, 12)),
  ]);
  const titles = ['PRIMITIVE', 'LANGUAGE', 'TEMPLATE', 'IMAGE', 'INPUTS'];
  const problems = primitives.flatMap(({ problem }) => (problem === null ? [] : [`${problem}\n`]));
  return [
    table([titles.map((title) => style.bold(title)), ...rows]),
    ...(problems.length > 0 ? ['\n', ...problems] : []),
  ].join('');
}

function stateText(state: PrimitiveState, style: Style): string {
  return state === 'invalid' ? style.red(state) : style.yellow(state);
}

function templateText(template: Inventory['primitives'][number]['template'], style: Style): string {
  if (template === null) return '-';
  const { version, latest } = template;
  return latest > version ? style.yellow(`${version}, now ${latest}`) : `${version}`;
}
