import { homedir } from 'node:os'
import { join } from 'node:path'

/** `$XDG_STATE_HOME/mooring`, by the XDG Base Directory Specification. */
export function defaultStateDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const base = environment.XDG_STATE_HOME
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'mooring')
}
