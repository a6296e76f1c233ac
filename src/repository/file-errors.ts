import { dirname } from 'node:path';
import { diskFullError, PrimitiveError } from '../core/errors.ts';

/** An error of the file system as one for users; other errors unchanged. `what` completes "Cannot …". */
export function explained(cause: unknown, what: string): unknown {
  if (!isSystemError(cause)) return cause;
  const { code, path, message } = cause;
  // The file may be a temporary one.
  const folder = path === undefined ? 'A folder' : dirname(path);
  const full = diskFullError(cause, what);
  if (full) return full;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return new PrimitiveError('not-writable', `Cannot ${what}: no permission.`, {
      why: `${folder}: ${code === 'EROFS' ? 'the file system is read-only' : 'permission denied'}. Nothing was changed.`,
      suggestions: ['Get write access to that folder, or run the command as its owner.'],
      exit: 3,
      cause,
    });
  }
  return new PrimitiveError('not-written', `Cannot ${what}.`, {
    why: `${message}. Nothing was changed.`,
    exit: 3,
    cause,
  });
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && 'syscall' in cause;
}

/** Whether a path, or a folder on the way to it, is not there. */
export function isMissing(error: unknown): boolean {
  return errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR';
}

/** The code of what the file system refused. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
