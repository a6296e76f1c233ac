import type { Config } from '../repository/config.ts';

/** One name in the spellings that code, environments and registries ask for: `order-lines`. */
export interface NameForms {
  /** `order-lines` */
  readonly kebab: string;
  /** `order_lines` */
  readonly snake: string;
  /** `orderLines` */
  readonly camel: string;
  /** `OrderLines` */
  readonly pascal: string;
  /** `orderlines` */
  readonly flat: string;
  /** `ORDER_LINES` */
  readonly upper: string;
}

/**
 * The forms of a name that {@link nameFault} finds no fault with.
 *
 * A letter after a digit begins a word, as generators of protobuf code have it: `s3-a1b` -> `S3A1B`.
 */
export function nameForms(name: string): NameForms {
  const parts = name.split('-');
  const pascal = name
    .replace(/(^|-|[0-9])([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replaceAll('-', '');
  return {
    kebab: name,
    snake: parts.join('_'),
    camel: pascal.slice(0, 1).toLowerCase() + pascal.slice(1),
    pascal,
    flat: parts.join(''),
    upper: parts.join('_').toUpperCase(),
  };
}

/** What a primitive is called in each language that the workspace has an entry for. */
export interface PackageNames {
  readonly go?: {
    /** Path of the primitive's own module. */
    readonly module: string;
  };
  readonly ts?: { readonly package: string };
  readonly python?: {
    /** As imported. */
    readonly package: string;
    /** As installed. */
    readonly distribution: string;
  };
  readonly proto?: {
    /** With the version: `acme.domain.orders.v1`. */
    readonly package: string;
    /** The folder of that package's files: `acme/domain/orders/v1`. */
    readonly path: string;
  };
}

/** Package names from the config's `languages` alone (design section 3); the kind is in each, so none meets another. */
export function packageNames(
  primitive: { readonly kind: string; readonly name: string },
  { go, ts, python, proto }: Config['languages'],
): PackageNames {
  const { kind, name } = primitive;
  const { snake } = nameForms(name);
  const protoPackage = proto && `${proto.package}.${kind}.${snake}.v1`;
  return {
    ...(go && { go: { module: `${go.module}/primitives/${kind}/${name}` } }),
    ...(ts && { ts: { package: `${ts.scope}/${kind}-${name}` } }),
    ...(python && {
      python: {
        package: `${python.prefix}_${kind}_${snake}`,
        distribution: `${python.prefix.replaceAll('_', '-')}-${kind}-${name}`,
      },
    }),
    ...(protoPackage && {
      proto: { package: protoPackage, path: protoPackage.replaceAll('.', '/') },
    }),
  };
}
