import { posix } from 'node:path';
import { PrimitiveError } from '../core/errors.ts';
import { type Finding, findingText } from '../core/finding.ts';
import { parseYaml } from '../yaml/read.ts';
import { type Component, componentOf, type PrimitivePorts } from './component.ts';
import { discoverPrimitives, findUncommitted } from './discover-primitives.ts';
import { type ConfigLocation, pathBelow } from './discovery.ts';
import { PrimitiveFile } from './primitive-document.ts';
import { MANIFEST, PRIMITIVES } from './primitive-folders.ts';
import { manifestOf, type PrimitiveManifest } from './provenance.ts';
import type { CommitTree } from './source-tree.ts';

/** A folder `primitives/<kind>/<name>` of a commit or of the work tree. */
export interface PrimitiveEntry {
  /** `domain/orders`: what its folder says. */
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  /** Relative to the repository's root. */
  readonly path: string;
  /** Its `primitive.yaml`; undefined if it is missing or has not the shape of one. */
  readonly manifest: PrimitiveManifest | undefined;
  /** Component for publish; undefined if `manifest` is, or if it cannot be built. */
  readonly component: Component | undefined;
  /** Why there is no component, if there is a `primitive.yaml`: `primitive-…`, with file, line and column. */
  readonly fault: PrimitiveError | undefined;
}

/**
 * The primitives in some folders, sorted by kind and name. What is wrong with one is part of it and hides no other.
 *
 * `texts` is the text of the `primitive.yaml` of each folder, undefined if it has none, by path relative to the
 * repository's root; `base` is the folder of the config, relative to it too.
 */
export async function readPrimitives(
  texts: ReadonlyMap<string, string | undefined>,
  workspace: PrimitivePorts & { readonly base: string },
): Promise<readonly PrimitiveEntry[]> {
  const primitives: PrimitiveEntry[] = [];
  for (const [path, text] of texts) {
    const [kind, name] = kindAndName(path);
    const place = { id: `${kind}/${name}`, kind, name, path };
    primitives.push({ ...place, ...(await parsePrimitive(path, text, workspace)) });
  }
  return primitives.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function parsePrimitive(
  path: string,
  text: string | undefined,
  workspace: PrimitivePorts & { readonly base: string },
): Promise<Pick<PrimitiveEntry, 'manifest' | 'component' | 'fault'>> {
  let manifest: PrimitiveManifest | undefined;
  if (text === undefined) return { manifest, component: undefined, fault: undefined };
  try {
    const document = await parseYaml(
      { text, shown: `${path}/${MANIFEST}`, subject: 'primitive' },
      PrimitiveFile,
    );
    manifest = manifestOf(text, document.value);
    const component = await componentOf(document, { path, base: workspace.base }, workspace);
    return { manifest, component, fault: undefined };
  } catch (error) {
    if (!(error instanceof PrimitiveError) || error.exit !== 2) throw error;
    return { manifest, component: undefined, fault: error };
  }
}

function kindAndName(path: string): readonly [kind: string, name: string] {
  return [posix.basename(posix.dirname(path)), posix.basename(path)];
}

/**
 * All components of HEAD, sorted by kind and name: each folder `primitives/<kind>/<name>` with a `primitive.yaml`.
 *
 * They are read from the commit and not from the work tree, so that a sparse checkout leaves none out. A Dockerfile
 * without `primitive.yaml`, a submodule, a `primitive.yaml` at another depth or only in the work tree is no component
 * but a warning.
 *
 * Throws `components-none`, `primitive-…` (with file, line and column), `image-clash`, `config-outside-repository`
 * (exit 2), and what git throws.
 */
export async function readComponents(
  tree: CommitTree,
  workspace: PrimitivePorts,
): Promise<{ readonly components: readonly Component[]; readonly warnings: readonly Finding[] }> {
  const base = workspaceFolder(tree, workspace.location);
  // Callers ask for the inputs next: git can begin now.
  tree.changes().catch(() => {});
  const folder = posix.join(base, PRIMITIVES);
  const { manifests, warnings: ignored } = await discoverPrimitives(tree, folder);
  // The kinds can be read while git reads the manifests.
  for (const kind of new Set(manifests.map(({ path }) => kindAndName(posix.dirname(path))[0]))) {
    workspace.kinds.get(kind).catch(() => {});
  }
  const [texts, uncommitted] = await Promise.all([
    tree.readWhole(manifests.map(({ object }) => object)),
    findUncommitted(tree, base, manifests),
  ]);
  const warnings = [...ignored, ...uncommitted];
  if (manifests.length === 0) throw noComponents(folder, workspace.location, warnings);
  const irregular = manifests.find(({ mode }) => !mode.startsWith('100'));
  if (irregular !== undefined) {
    throw new PrimitiveError('primitive-invalid', `${irregular.path} must be a plain file, not a link.`);
  }
  const decoder = new TextDecoder();
  const primitives = await readPrimitives(
    new Map(manifests.map(({ path }, i) => [posix.dirname(path), decoder.decode(texts[i])])),
    { ...workspace, base },
  );
  const components = primitives.map(validComponent);
  checkImages(components);
  return { components, warnings };
}

function validComponent({ component, fault, path }: PrimitiveEntry): Component {
  if (component !== undefined) return component;
  throw fault ?? new Error(`${path} was read without its ${MANIFEST}`);
}

function workspaceFolder(tree: CommitTree, location: ConfigLocation): string {
  const base = pathBelow(tree.root, location.root);
  if (base !== undefined) return base;
  throw new PrimitiveError(
    'config-outside-repository',
    `${location.path} is not in the repository ${tree.root}.`,
    {
      why: 'it decides what is published and who is trusted, so it must be committed with the code',
      suggestions: [`Move it to ${tree.root}/primitive.config.yaml.`],
    },
  );
}

/** Two components that push to one repository would overwrite each other's tags. */
function checkImages(components: readonly Component[]): void {
  const owners = new Map<string, Component>();
  for (const component of components) {
    const other = owners.get(component.repository);
    if (other !== undefined) {
      throw new PrimitiveError(
        'image-clash',
        `${other.id} and ${component.id} have the same image: ${component.repository}`,
        {
          why: 'image names must be unique',
          suggestions: [
            'Use {kind} and {name} in `image` of the config.',
            `Or set \`image\` in ${component.path}/primitive.yaml.`,
          ],
        },
      );
    }
    owners.set(component.repository, component);
  }
}

function noComponents(
  folder: string,
  location: ConfigLocation,
  warnings: readonly Finding[],
): PrimitiveError {
  return new PrimitiveError(
    'components-none',
    `No primitive found at HEAD: no file ${folder}/<kind>/<name>/primitive.yaml.`,
    {
      why: [`${location.path} makes ${location.root} the root`, ...warnings.map(findingText)].join('\n'),
      suggestions: [
        'Create one and commit it: primitive scaffold --kind domain --name orders',
        `Or, for existing code, add ${folder}/domain/orders with a Dockerfile and a primitive.yaml (kind: domain, name: orders).`,
      ],
    },
  );
}
