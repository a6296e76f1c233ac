import { type ManifestMentions, modulesIn, pathsIn, placed } from '../mentions.ts';
import type { SourceTree } from '../source-tree.ts';

const SETTINGS = /(?:^|\/)(?:pyproject\.toml|setup\.cfg|\.?pytest\.(?:ini|toml)|tox\.ini|[^/]*\.pth)$/;
/** Entry points: `name = a.b:main`, `name = "a.b"`. */
const ENTRY =
  /=[ \t]{0,20}["']?([A-Za-z_]\w{0,100}(?:\.\w{1,100}){0,10}(?=:[A-Za-z_])|[A-Za-z_]\w{0,100}(?:\.[A-Za-z_]\w{0,100}){1,10})/g;
/** Plugins of pytest: `-p a.b`, `"-p", "a.b"`. */
const PLUGIN = /(?<![\w-])-p(?:[ \t]{0,4}|["'],[ \t\n]{0,40}["'])([A-Za-z_][\w.]{0,200})(?![\w.:])/g;

/** A line of a `.pth` file that Python runs when it starts. */
const RUN = /^import[ \t]{1,20}([A-Za-z_][\w.]{0,200})/gm;

/** Modules and folders that settings of Python and pytest load. */
export async function settingsMentions(
  repository: SourceTree,
  primitivesFolder: string,
): Promise<readonly ManifestMentions[]> {
  const found: ManifestMentions[] = [];
  for (const path of repository.files) {
    if (!path.startsWith(`${primitivesFolder}/`) || !SETTINGS.test(path)) continue;
    // A comment stays as long as it is, so that places are right.
    const text = ((await repository.text(path)) ?? '').replace(/^[ \t]*[#;].*/gm, (line) =>
      ' '.repeat(line.length),
    );
    const all = [
      ...pathsIn(text),
      ...[ENTRY, PLUGIN, ...(path.endsWith('.pth') ? [RUN] : [])].flatMap((pattern) =>
        modulesIn(text, pattern),
      ),
    ];
    if (all.length > 0) found.push({ path, mentions: placed(all, text) });
  }
  return found;
}
