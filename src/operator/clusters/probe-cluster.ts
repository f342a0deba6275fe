import { toOperationError } from '../../lib/errors.ts'
import type { NomadClient } from '../../nomad/client.ts'
import { connectNomad, type NomadConnection } from '../../nomad/connection.ts'
import type { NomadClusterStatus } from '../declare/object-status.ts'
import { type Obstacle, obstacleOf, type Verdict } from '../plan/status.ts'

/** Where a cluster stands, and what it said of itself. */
export interface Finding {
  readonly verdict: Verdict
  readonly facts?: Pick<NomadClusterStatus, 'region' | 'version'>
}

/** Asks the cluster what every pass needs, by a client of its own. */
export async function probeCluster(connection: NomadConnection): Promise<Finding> {
  const client = connectNomad(connection)
  try {
    await client.listPlugins()
    return {
      verdict: { state: 'ready', reason: 'Reached', message: 'its API answers' },
      facts: await factsOf(client, connection),
    }
  } catch (error) {
    return { verdict: verdictOfFailure(error) }
  } finally {
    await client.close()
  }
}

export function verdictOfFailure(error: unknown): Obstacle {
  return obstacleOf(toOperationError(error))
}

async function factsOf(
  client: Pick<NomadClient, 'listServers'>,
  { nomadRegion }: NomadConnection,
): Promise<Pick<NomadClusterStatus, 'region' | 'version'>> {
  const asked = nomadRegion === undefined ? {} : { region: nomadRegion }
  try {
    const { region: own, servers } = await client.listServers()
    const region = nomadRegion ?? own
    const versions = servers.filter((server) => server.region === region).map(({ version }) => version)
    const version = [...new Set(versions)].sort().join(', ')
    return { ...asked, ...(region && { region }), ...(version && { version }) }
  } catch {
    // Nothing depends on these facts, and the token need not be allowed to ask.
    return asked
  }
}
