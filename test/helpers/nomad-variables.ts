import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/lib/clock.ts'
import { createNomadClient, type NomadClient } from '../../src/nomad/client.ts'
import { startHttpServer } from '../fakes/http-server.ts'
import { createNomadVariables, type NomadVariables } from '../fakes/nomad-variables.ts'

/** A client of the double of Nomad's Variables, both gone when the test ends. */
export async function startNomadVariables(
  now: () => number = Date.now,
): Promise<{ client: NomadClient; double: NomadVariables }> {
  const double = createNomadVariables({ now })
  const server = await startHttpServer((request, response) => {
    const answer = double.answer(request)
    if (answer !== 'cut') return answer ?? { status: 404, body: '' }
    response.socket?.destroy()
    return undefined
  })
  onTestFinished(server.close)
  return { client: connect(server.address), double }
}

/** A client of a real agent. */
export function connect(address: string): NomadClient {
  const client = createNomadClient({ address, clock: systemClock })
  onTestFinished(client.close)
  return client
}
