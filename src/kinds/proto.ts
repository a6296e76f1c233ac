import { PrimitiveError } from '../core/errors.ts';
import { shellWord } from '../core/show-path.ts';
import { readService as readMethods, type Service, TYPE } from './proto-service.ts';
import { Tokens } from './proto-tokens.ts';

/** One call of a service, in the words of Go. */
export interface ServiceMethod {
  readonly name: string;
  readonly request: string;
  readonly response: string;
  readonly streaming: 'none' | 'client' | 'server' | 'both';
}

/** The data of an existing proto file for templates, as `it.service`. */
export interface ProtoService {
  /** As Go has it: the stubs have `Register<name>Server` and so on. */
  readonly name: string;
  /** Of protobuf: `acme.billing.v1`. */
  readonly package: string;
  /** The package's folder: `acme/billing/v1`, also below `internal/gen`. */
  readonly path: string;
  /** The proto file, from the primitive's folder. */
  readonly source: string;
  /** The folder that the file's imports start from, from the primitive's folder. */
  readonly root: string;
  readonly methods: readonly ServiceMethod[];
  /** Of the methods' types: Go packages, sorted, each called by its last element. */
  readonly imports: readonly string[];
  /** Whether a method streams. */
  readonly streams: boolean;
  /** Whether a method does not. */
  readonly unary: boolean;
}

/** The well-known types that calls use, and the Go packages that have them. */
const WELL_KNOWN: ReadonlyMap<string, string> = new Map([
  ['Any', 'anypb'],
  ['BoolValue', 'wrapperspb'],
  ['BytesValue', 'wrapperspb'],
  ['DoubleValue', 'wrapperspb'],
  ['Duration', 'durationpb'],
  ['Empty', 'emptypb'],
  ['FieldMask', 'fieldmaskpb'],
  ['Int32Value', 'wrapperspb'],
  ['Int64Value', 'wrapperspb'],
  ['ListValue', 'structpb'],
  ['StringValue', 'wrapperspb'],
  ['Struct', 'structpb'],
  ['Timestamp', 'timestamppb'],
  ['UInt32Value', 'wrapperspb'],
  ['UInt64Value', 'wrapperspb'],
  ['Value', 'structpb'],
]);

/** Bound for what one file can make us do; the largest known ones have a tenth. */
const MAX_CHARACTERS = 4 * 1024 * 1024;

/** A proto file of the workspace, and the primitive that shall serve it. */
export interface ServedFile {
  readonly text: string;
  /** From the workspace's root, with forward slashes. */
  readonly path: string;
  /** The primitive's folder, from the workspace's root: `primitives/domain/billing`. */
  readonly primitive: string;
}

/**
 * Reads the one service of a proto file.
 *
 * Only what a service needs is understood, so that no compiler is needed to plan a scaffold; the generator checks the
 * file whole afterwards. Throws, exit 2: `proto-invalid` (with file and line), `proto-package-folder` for a file that
 * does not lie in its package's folder, `proto-services` unless there is exactly one, `proto-type-foreign` for types of
 * another package, which stubs in a module of their own cannot name.
 */
export function readService({ text, path, primitive }: ServedFile): ProtoService {
  if (text.length > MAX_CHARACTERS)
    throw new PrimitiveError('proto-invalid', `${path} is too large to be a proto file.`);
  const { packageName, services } = readFile(new Tokens(text, path));
  const folder = packageName.replaceAll('.', '/');
  if (
    packageName === '' ||
    !`/${path}`.includes(`/${folder}/`) ||
    path.slice(path.lastIndexOf(`${folder}/`) + folder.length + 1).includes('/')
  ) {
    throw new PrimitiveError('proto-package-folder', `${path} is not in the folder of its package.`, {
      why: packageName === '' ? 'it has no package' : `the package is ${packageName}`,
      suggestions: [`git mv ${shellWord(path)} proto/${folder || 'acme/orders/v1'}/`],
    });
  }
  const [service, ...others] = services;
  if (service === undefined || others.length > 0) {
    const found = services.map(({ name }) => name).join(', ');
    throw new PrimitiveError(
      'proto-services',
      `${path} has ${services.length} services; a primitive serves exactly one.`,
      {
        ...(found && { why: `it has ${found}` }),
      },
    );
  }
  const up = primitive
    .split('/')
    .map(() => '..')
    .join('/');
  const packages = new Set<string>();
  const methods = service.methods.map((method) => ({
    name: goName(method.name),
    request: goType(method.request, packageName, path, packages),
    response: goType(method.response, packageName, path, packages),
    streaming: STREAMING[`${method.takesMany} ${method.givesMany}`] ?? 'none',
  }));
  const root = path.slice(0, Math.max(0, path.lastIndexOf(`${folder}/`) - 1));
  return {
    name: goName(service.name),
    package: packageName,
    path: folder,
    source: `${up}/${path}`,
    root: root === '' ? up : `${up}/${root}`,
    methods,
    imports: [...packages].sort(),
    streams: methods.some(({ streaming }) => streaming !== 'none'),
    unary: methods.some(({ streaming }) => streaming === 'none'),
  };
}

const STREAMING: Readonly<Record<string, ServiceMethod['streaming']>> = {
  'true true': 'both',
  'true false': 'client',
  'false true': 'server',
};

function readFile(tokens: Tokens): { readonly packageName: string; readonly services: readonly Service[] } {
  let packageName = '';
  const services: Service[] = [];
  for (let word = tokens.next(); word !== undefined; word = tokens.next()) {
    if (word === 'package') {
      packageName = tokens.match(TYPE);
      tokens.match(/^;$/);
    } else if (word === 'service') services.push(readMethods(tokens));
    else tokens.skipStatement(word);
  }
  return { packageName, services };
}

function goType(type: string, own: string, path: string, packages: Set<string>): string {
  const absolute = type.replace(/^\./, '');
  const known = WELL_KNOWN.get(absolute.replace(/^google\.protobuf\./, ''));
  if (absolute.startsWith('google.protobuf.') && known !== undefined) {
    packages.add(known);
    return `${known}.${absolute.slice('google.protobuf.'.length)}`;
  }
  const parts = own.split('.');
  const prefixes = parts.map((_, i) => `${parts.slice(i).join('.')}.`);
  const prefix = prefixes.find((candidate) => absolute.startsWith(candidate)) ?? '';
  const local = absolute.slice(prefix.length);
  // Without its package a message is one word; packages are lower-case by custom.
  if (/^[a-z]\w*\./.test(local)) {
    throw new PrimitiveError(
      'proto-type-foreign',
      `${path}: a method uses ${absolute}, a type of another package.`,
      {
        why: `only types of ${own} and well-known types are supported`,
        suggestions: [`Declare the request or response in ${own}, and use ${absolute} in it.`],
      },
    );
  }
  return `pb.${goName(local)}`;
}

/** The name that protoc-gen-go gives to a protobuf name: `get_item` -> `GetItem`, `Item.Part` -> `Item_Part`. */
export function goName(name: string): string {
  return name
    .replace(/(^|\.)_(?=[a-z])/g, '$1X_')
    .replace(/\.([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replaceAll('.', '_')
    .replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    .replace(/(^|[0-9_])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase());
}
