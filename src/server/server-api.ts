import { createInTurn } from '../lib/in-turn.ts'
import { recoverClaims } from './claims/claims.ts'
import type { ServerContext } from './context.ts'
import { followHostVolumes } from './host-volumes/host-volumes.ts'
import { createBlockingQueries } from './http/blocking-query.ts'
import type { HttpServerOptions } from './http/http-server.ts'
import { agentRoutes } from './routes/agent.ts'
import { allocationRoutes } from './routes/allocations.ts'
import { claimRoutes } from './routes/claims.ts'
import { eventRoutes } from './routes/events.ts'
import { hostVolumeRoutes } from './routes/host-volumes.ts'
import { namespaceRoutes } from './routes/namespaces.ts'
import { nodeRoutes } from './routes/nodes.ts'
import { openApiRoutes } from './routes/openapi.ts'
import { pluginRoutes } from './routes/plugins.ts'
import { searchRoutes } from './routes/search.ts'
import { storageRoutes } from './routes/storage.ts'
import { volumeRoutes } from './routes/volume.ts'
import { volumesRoutes } from './routes/volumes.ts'
import { createAbsentRoutes } from './routes/without-jobs.ts'
import { createStorageIndexes } from './storage/storage-indexes.ts'
import { followListRows } from './volumes/list-rows.ts'
import { createReplays } from './volumes/replays.ts'

/** The API and its work in the background, over whatever state, plugins and clock it is given. */
export interface ServerApi extends Pick<HttpServerOptions, 'resources' | 'absent'> {
  /**
   * Finishes what an earlier process left unfinished, as far as that is possible within `timeoutMs` for each part, so that
   * the first answer is true. The rest goes on in the background.
   */
  recover(timeoutMs: number): Promise<void>
  /** Ends the work in the background. */
  close(): void
}

/** @param random from 0 up to 1, to spread the ends of blocking queries */
export function createServerApi(parts: Omit<ServerContext, 'lock'>, random: () => number): ServerApi {
  const context: ServerContext = { ...parts, lock: createInTurn() }
  const { state, clock, log, plugins } = context
  const replays = createReplays(context)
  const blocking = createBlockingQueries(state, clock, random)
  const storageIndexes = createStorageIndexes(state, clock, log)
  const hostVolumes = followHostVolumes(context)
  const rows = followListRows(state)
  return {
    resources: [
      ...volumesRoutes(context, blocking, rows),
      ...claimRoutes(context),
      ...volumeRoutes(context, blocking, replays, rows),
      ...hostVolumeRoutes(context, blocking),
      ...storageRoutes(context, storageIndexes),
      ...pluginRoutes(context, blocking),
      ...namespaceRoutes(context, blocking),
      ...nodeRoutes(context, blocking),
      ...allocationRoutes(context, blocking),
      ...eventRoutes(context),
      ...agentRoutes(context),
      ...searchRoutes(context),
      ...openApiRoutes(),
    ],
    absent: createAbsentRoutes(context.aclEnabled, blocking),
    async recover(timeoutMs) {
      await plugins.firstHealthy(timeoutMs)
      await replays.startAll(timeoutMs)
      await recoverClaims(context)
      await hostVolumes.recover()
    },
    close() {
      replays.close()
      hostVolumes.close()
      storageIndexes.close()
    },
  }
}
