import type { Kinds } from '../kinds/kind.ts';
import type { ComponentInputs } from '../workspace/inputs.ts';
import type { Style } from './style.ts';
import { table } from './table.ts';

/** `primitive.list/v1`. */
export interface Inventory {
  readonly schema: 'primitive.list/v1';
  readonly commit: string;
  /** Sorted by kind, then name. */
  readonly primitives: readonly {
    readonly kind: string;
    readonly name: string;
    /** Folder, relative to the repository root. */
    readonly path: string;
    /** `<registry>/<image>`. */
    readonly image: string;
    /** 64 hex digits. */
    readonly inputDigest: string;
    /** That the kind is written in. */
    readonly language: string;
    /** What it was scaffolded from; null where a person wrote it. The template has moved on where `latest` is more. */
    readonly template: { readonly version: number; readonly latest: number } | null;
  }[];
}

/** The inventory of what was read at a commit. */
export function inventoryOf(commit: string, inputs: readonly ComponentInputs[], kinds: Kinds): Inventory {
  const primitives = inputs.map(({ component, inputDigest }) => {
    const { kind, name, path, repository, templateVersion: version } = component;
    const known = kinds.get(kind);
    return {
      kind,
      name,
      path,
      image: repository,
      inputDigest,
      language: known?.language ?? 'unknown',
      template: version === undefined ? null : { version, latest: known?.version ?? version },
    };
  });
  const key = ({ kind, name }: { kind: string; name: string }) => `${kind}/${name}`;
  return {
    schema: 'primitive.list/v1',
    commit,
    primitives: primitives.sort((a, b) => (key(a) < key(b) ? -1 : 1)),
  };
}

/** A line per primitive: what it is, its language and template, its image, the beginning of its input digest. */
export function inventoryText({ primitives }: Inventory, style: Style): string {
  const rows = primitives.map(({ kind, name, image, inputDigest, language, template }) => [
    `${kind}/${name}`,
    language,
    templateText(template, style),
    image,
    style.dim(inputDigest.slice(0, 12)),
  ]);
  const titles = ['PRIMITIVE', 'LANGUAGE', 'TEMPLATE', 'IMAGE', 'INPUTS'];
  return table([titles.map((title) => style.bold(title)), ...rows]);
}

function templateText(template: Inventory['primitives'][number]['template'], style: Style): string {
  if (template === null) return '-';
  const { version, latest } = template;
  return latest > version ? style.yellow(`${version}, now ${latest}`) : `${version}`;
}
