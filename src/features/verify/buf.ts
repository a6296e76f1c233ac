import { isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Primitive } from './subjects.ts';
import type { WorkTree } from './work-tree.ts';

/** A plugin of `buf.gen.yaml`. */
export interface BufPlugin {
  /** `buf.build/protocolbuffers/go`; undefined for a local plugin, which another file pins. */
  readonly name: string | undefined;
  /** Without `v`; undefined if it is not pinned. */
  readonly version: string | undefined;
  /** Relative to the root of the repository. */
  readonly path: string;
  readonly line: number;
}

const FILE = 'buf.gen.yaml';

/** The plugins of a primitive's `buf.gen.yaml`, of either version of its format; none if it cannot be read. */
export async function bufPlugins({ path, files }: Primitive, tree: WorkTree): Promise<readonly BufPlugin[]> {
  if (!files.includes(FILE)) return [];
  const file = `${path}/${FILE}`;
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(await tree.read(file)), { lineCounter: lines });
  const plugins = document.errors.length > 0 ? undefined : document.get('plugins');
  if (!isSeq(plugins)) return [];
  return plugins.items.filter(isMap).map((plugin) => {
    const node = plugin.get('remote', true) ?? plugin.get('plugin', true);
    const text = isScalar(node) ? String(node.value) : '';
    // In the old format a plugin without a host is a program.
    const [, name, version] = /^([^:]*\/[^:]*)(?::v?(\d+\.\d+(?:\.\d+)?(?:-\d+)?))?/.exec(text) ?? [];
    return {
      name,
      version,
      path: file,
      line: lines.linePos((isScalar(node) ? node : plugin).range?.[0] ?? 0).line,
    };
  });
}

/** Names of plugins in the head of generated files, by module of go.mod or remote plugin. */
const NAMES: Readonly<Record<string, string>> = {
  'google.golang.org/protobuf': 'protoc-gen-go',
  'google.golang.org/grpc/cmd/protoc-gen-go-grpc': 'protoc-gen-go-grpc',
  'buf.build/protocolbuffers/go': 'protoc-gen-go',
  'buf.build/grpc/go': 'protoc-gen-go-grpc',
  'buf.build/bufbuild/es': 'protoc-gen-es',
};

/** The pinned version of each plugin whose name is known: by `buf.gen.yaml`, or by go.mod for local ones. */
export async function pinnedVersions(
  primitive: Primitive,
  tree: WorkTree,
): Promise<ReadonlyMap<string, string>> {
  const goMod = new TextDecoder().decode(await tree.read(`${primitive.path}/go.mod`));
  const required = [...goMod.matchAll(/^[ \t]*(?:require[ \t]+)?(\S+)[ \t]+v(\d+\.\d+\.\d+)\b/gm)];
  const remote = (await bufPlugins(primitive, tree)).flatMap(({ name, version }) =>
    name === undefined || version === undefined ? [] : [[name, version] as const],
  );
  const all = [...required.map(([, module = '', version = '']) => [module, version] as const), ...remote];
  return new Map(
    all.flatMap(([source, version]) =>
      Object.hasOwn(NAMES, source) ? [[NAMES[source] ?? '', version] as const] : [],
    ),
  );
}

/** The plugins that the head of a generated file names. */
export function generatedBy(
  text: string,
): readonly { readonly plugin: string; readonly version: string; readonly line: number }[] {
  return text.split('\n').flatMap((line, index) => {
    const [, plugin, version] = /^\/\/(?:.*?[^\w-])?(protoc-gen-[\w-]+)\s+v(\d+\.\d+\.\d+)/.exec(line) ?? [];
    return plugin === undefined || version === undefined ? [] : [{ plugin, version, line: index + 1 }];
  });
}
