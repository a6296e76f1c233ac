import type { ProgramSpec } from '../core/program.ts';
import { type LanguageProgram, languagePrograms } from '../languages/all.ts';

/** Programs that publish and verify run. They are found on the user's PATH, never bundled. */
export type ProgramName = 'git' | 'cosign' | 'syft' | 'buildx' | 'buildah' | 'docker' | LanguageProgram;

/** Errors and `doctor` share these texts. */
export const programs: Readonly<Record<ProgramName, ProgramSpec>> = {
  git: {
    purpose: 'read the commit that is published',
    calls: [['git']],
    probe: ['--version'],
    pattern: /^git version (\d+(?:\.\d+)+)/m,
    // For object filters when deepening, `cat-file --batch` on partial clones, and both object formats.
    minimum: '2.30.0',
    install: {
      darwin: ['brew install git'],
      linux: ['sudo apt-get install git', 'sudo dnf install git'],
      other: ['https://git-scm.com/downloads'],
    },
  },
  cosign: {
    purpose: 'sign images',
    calls: [['cosign']],
    probe: ['version'],
    pattern: /^GitVersion:\s+v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot sign a given statement into a bundle, or write bundles that others do not find.
    minimum: '3.1.0',
    install: {
      darwin: ['brew install cosign'],
      linux: [
        'go install github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3',
        'https://github.com/sigstore/cosign/releases',
      ],
      other: ['https://github.com/sigstore/cosign/releases'],
    },
  },
  syft: {
    purpose: 'list what is in an image',
    calls: [['syft']],
    probe: ['version'],
    probeEnv: { SYFT_CHECK_FOR_APP_UPDATE: 'false' },
    pattern: /^Version:\s+v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot describe a single platform of an image layout.
    minimum: '1.20.0',
    install: {
      darwin: ['brew install syft'],
      linux: [
        // Without the flag a program that `go install` built does not know its version.
        'go install -ldflags="-X main.version=1.52.0" github.com/anchore/syft/cmd/syft@v1.52.0',
        'https://github.com/anchore/syft/releases',
      ],
      other: ['https://github.com/anchore/syft/releases'],
    },
  },
  buildx: {
    purpose: 'build images with BuildKit',
    calls: [['buildx'], ['docker-buildx'], ['docker', 'buildx']],
    probe: ['version'],
    pattern: /^github\.com\/docker\/buildx v?(\d+(?:\.\d+)+)/m,
    // Older ones cannot write an image layout as a folder with rewritten timestamps.
    minimum: '0.13.0',
    install: {
      darwin: ['brew install docker-buildx'],
      linux: ['sudo apt-get install docker-buildx', 'https://github.com/docker/buildx/releases'],
      other: ['https://github.com/docker/buildx/releases'],
    },
  },
  buildah: {
    purpose: 'build images without a daemon',
    calls: [['buildah']],
    probe: ['--version'],
    pattern: /^buildah version (\d+(?:\.\d+)+)/m,
    minimum: '1.28.0',
    install: {
      darwin: ['buildah runs on Linux only; use buildx: brew install docker-buildx'],
      linux: ['sudo apt-get install buildah', 'sudo dnf install buildah'],
      other: ['buildah runs on Linux only; use buildx: https://github.com/docker/buildx/releases'],
    },
  },
  docker: {
    purpose: 'start BuildKit in a container',
    calls: [['docker']],
    probe: ['--version'],
    pattern: /^Docker version (\d+(?:\.\d+)+)/m,
    minimum: '20.10.0',
    install: {
      darwin: ['brew install --cask docker'],
      linux: ['sudo apt-get install docker.io', 'https://docs.docker.com/engine/install'],
      other: ['https://docs.docker.com/get-docker'],
    },
  },
  ...languagePrograms,
};

/** Commands and pages that get a program on this operating system, best first. */
export function installHints(name: ProgramName, platform: NodeJS.Platform): readonly string[] {
  const { install } = programs[name];
  if (platform === 'darwin' || platform === 'linux') return install[platform];
  return install.other;
}
