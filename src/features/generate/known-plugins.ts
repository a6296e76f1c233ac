import { parse } from 'yaml';
import { isObject } from '../../core/object.ts';
import { pathFault } from '../../core/path-fault.ts';

/**
 * Plugins of buf that the repository cannot fill: Go builds them from modules that it has compared with go.sum, as long as
 * go.mod says nothing else.
 */
const PACKAGES: Readonly<Record<string, string>> = {
  'protoc-gen-go': 'google.golang.org/protobuf/cmd/protoc-gen-go',
  'protoc-gen-go-grpc': 'google.golang.org/grpc/cmd/protoc-gen-go-grpc',
};

/** Keys that start nothing and fetch nothing; what is not here may be the name of a program or of a host. */
const KEYS = {
  top: ['version', 'managed', 'plugins', 'inputs'],
  plugin: ['local', 'out', 'opt', 'include_imports', 'include_wkt', 'strategy'],
  input: ['directory', 'paths', 'exclude_paths', 'types'],
};

/** Settings with which `go tool` uses the modules of go.mod, and no replacement by the environment or the repository. */
export const KNOWN_ENVIRONMENT = { GOFLAGS: '-mod=readonly', GOTOOLCHAIN: 'local', GOWORK: 'off' };

/**
 * A `buf.gen.yaml` as JSON for `--template`, if all that it starts are plugins that the repository cannot fill; else
 * the reason, half a sentence. What was judged is what buf gets: its own reader of YAML decides nothing.
 */
export function knownTemplate(
  bufGen: string | undefined,
  goMod: string | undefined,
): { readonly template: string } | { readonly why: string } {
  const document = objectIn(bufGen);
  if (document === undefined) return { why: 'its buf.gen.yaml cannot be read' };
  const { version, plugins, inputs = [] } = document;
  if (version !== 'v2' || !hasOnly(document, KEYS.top) || !Array.isArray(plugins) || !Array.isArray(inputs))
    return { why: 'its buf.gen.yaml has more than plugins and folders' };
  if (!inputs.every(isFolder)) return { why: 'its buf.gen.yaml reads more than folders' };
  const names: string[] = [];
  for (const plugin of plugins) {
    const name = nameOf(plugin);
    if (name === undefined)
      return { why: 'its buf.gen.yaml names a program that is not known, or a remote plugin' };
    names.push(name);
  }
  const why = goModFault(goMod, names);
  return why === undefined ? { template: JSON.stringify(document) } : { why };
}

type Fields = Readonly<Record<string, unknown>>;

function objectIn(text: string | undefined): Fields | undefined {
  try {
    const value: unknown = parse(text ?? '', { logLevel: 'error' });
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function hasOnly(value: Fields, keys: readonly string[]): boolean {
  return Object.keys(value).every((key) => keys.includes(key));
}

function isFolder(input: unknown): boolean {
  return (
    isObject(input) &&
    hasOnly(input, KEYS.input) &&
    typeof input.directory === 'string' &&
    !/^[/\\]|:/.test(input.directory)
  );
}

/** The name of a plugin that is `[go, tool, NAME]` and writes below the output. */
function nameOf(plugin: unknown): string | undefined {
  if (!isObject(plugin) || !hasOnly(plugin, KEYS.plugin)) return undefined;
  const { local, out } = plugin;
  if (typeof out !== 'string' || pathFault(out) !== undefined || !Array.isArray(local)) return undefined;
  const [go, tool, name, ...rest] = local as readonly unknown[];
  const isTool = go === 'go' && tool === 'tool' && typeof name === 'string' && rest.length === 0;
  return isTool && Object.hasOwn(PACKAGES, name) ? name : undefined;
}

/** `go tool NAME` runs the package that ends in that name. */
function goModFault(text: string | undefined, names: readonly string[]): string | undefined {
  if (text === undefined) return 'it has no go.mod';
  const words = text.split('\n').flatMap((line) => (line.split('//', 1)[0] ?? '').split(/[\s()]+/));
  // A path in quotes may be written with escapes.
  if (words.some((word) => /["'`\\]/.test(word))) return 'its go.mod has texts in quotes';
  if (words.includes('replace')) return 'its go.mod replaces modules';
  for (const name of names) {
    const wanted = PACKAGES[name] ?? '';
    const called = words.filter((word) => word === name || word.endsWith(`/${name}`));
    if (called.length === 0 || called.some((word) => word !== wanted))
      return `its go.mod has another ${name} than ${wanted}`;
    const versions = words.filter((_, i) => {
      const module = words[i - 1] ?? '';
      return module !== '' && (wanted === module || wanted.startsWith(`${module}/`));
    });
    if (versions.some((word) => word.startsWith('v') && !/^v\d+\.\d+\.\d+$/.test(word)))
      return `its go.mod has ${name} at a version that is no release`;
  }
  return undefined;
}
