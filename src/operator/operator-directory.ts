import { join, resolve } from 'node:path'

/** Nomad's own name of the region where nobody configures one; names that Mooring chooses contain it. */
export const defaultRegion = 'global'

/** Where beneath a data directory the operator keeps its inventory, its lock and its admin socket. */
export function operatorDirectory(dataDirectory: string): string {
  return join(resolve(dataDirectory), 'operator')
}
