import { join } from 'node:path';
import { type Digest, digestOf } from '../../core/digest.ts';
import { PrimitiveError } from '../../core/errors.ts';
import { once } from '../../core/once.ts';
import { OWN_PACKAGE, packagePath } from '../../core/package.ts';
import type { Bases } from '../../kinds/bases-schema.ts';
import { type Kind, openKinds, templateFolders } from '../../kinds/kind.ts';
import { kindsFolder } from '../../kinds/origin.ts';
import type { RenderedFile } from '../../kinds/render.ts';
import { readBases, readTemplate, type Template } from '../../kinds/template.ts';
import type { TemplateOrigin } from '../../repository/provenance.ts';
import type { PastRendering } from './edited.ts';

/**
 * Lends the folder of an npm package with exactly the recorded bytes for as long as `use` takes; nothing of it is run.
 * Throws `template-not-fetched` (exit 3) if the registry does not have them.
 */
export type PackageFetcher = <T>(
  origin: TemplateOrigin & { readonly integrity: string },
  use: (folder: string) => Promise<T>,
) => Promise<T>;

type Make = (
  kind: Kind,
  template: Template,
  bases: Bases,
) => Promise<{ readonly files: ReadonlyMap<string, RenderedFile> }>;

/**
 * The texts that recorded versions of a template make of its files, by this renderer; each version is fetched once, when a file
 * asks for it, and counts only where the bytes are those of the record.
 */
export function pastRendering(
  origins: readonly TemplateOrigin[] = [],
  kind: string,
  { withPackage, warn }: { readonly withPackage: PackageFetcher; readonly warn: (message: string) => void },
  make: Make,
): PastRendering {
  const versions = origins.map((origin) => once(() => renderVersion(origin, kind, withPackage, make, warn)));
  return async (path: string, digest: Digest) => {
    for (const version of versions) {
      const bytes = (await version())?.get(path)?.bytes;
      if (bytes !== undefined && digestOf(bytes) === digest) return new TextDecoder().decode(bytes);
    }
    return undefined;
  };
}

async function renderVersion(
  origin: TemplateOrigin,
  name: string,
  withPackage: PackageFetcher,
  make: Make,
  warn: (message: string) => void,
): Promise<ReadonlyMap<string, RenderedFile> | undefined> {
  const { integrity, ...rest } = origin;
  const shown = `${rest.package} ${rest.version}`;
  if (integrity === undefined) {
    warn(`The template of ${shown} is not fetched: primitive.yaml records no integrity of it.`);
    return undefined;
  }
  try {
    return await withPackage({ ...rest, integrity }, async (folder) => {
      const kinds = await openKinds({ [rest.package]: join(folder, kindsFolder(rest.package)) });
      const kind = await kinds.get(name);
      if (kind === undefined) return undefined;
      const own = rest.package === OWN_PACKAGE ? join(folder, 'templates') : packagePath('templates');
      return (await make(kind, readTemplate(templateFolders(kind)), await readBases(join(own, 'bases.yaml'))))
        .files;
    });
  } catch (error) {
    if (!(error instanceof PrimitiveError)) throw error;
    warn(`Cannot fetch the template of ${shown}: ${error.message} ${error.why ?? ''}`.trim());
    return undefined;
  }
}
