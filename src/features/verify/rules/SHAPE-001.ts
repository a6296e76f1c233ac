import { posix } from 'node:path';
import { globMatcher } from '../../../core/glob.ts';
import type { Rule } from '../rule.ts';
import type { Fix, Primitive } from '../subjects.ts';

export const rule: Rule<'primitive'> = {
  id: 'SHAPE-001',
  level: 'error',
  title: 'Required file is missing',
  subject: 'primitive',
  check: (primitive) =>
    requiredFiles(primitive)
      .filter((path) => {
        const matches = globMatcher(path);
        return !primitive.files.some((file) => matches(file));
      })
      .map((path) => ({ message: `${path} is missing.`, fix: fixFor(primitive, path) })),
};

/** The patterns of what a primitive has to have: of its kind, and of the template where scaffold wrote it. */
function requiredFiles({ kind, manifest, component, path: folder }: Primitive): readonly string[] {
  if (manifest === undefined) return [];
  const isScaffolded = manifest.provenance !== undefined;
  const build = component?.build;
  const own = build && posix.relative(folder, posix.join(build.context, build.dockerfile));
  return (
    (kind?.files ?? [])
      .filter(({ required }) => required === true || (required === 'scaffold' && isScaffolded))
      .map(({ path }) => path)
      // One that primitive.yaml names is judged as a Dockerfile, by SHAPE-014.
      .filter((path) => path !== kind?.build.dockerfile || own === undefined || own === path)
  );
}

/** Only what scaffold wrote can it write again; it would put a service of its own over code that was there before. */
function fixFor({ id, manifest }: Primitive, path: string): Fix {
  if (manifest?.provenance !== undefined) {
    return { kind: 'command', text: `primitive scaffold --kind ${id.replace('/', ' --name ')} --restore` };
  }
  const isDockerfile = path === 'Dockerfile';
  const other = isDockerfile ? ', or name another one in primitive.yaml: `build: { dockerfile: … }`' : '';
  return { kind: 'text', text: `Add ${path}${other}.` };
}
