import {
  type handleUnaryCall,
  Server,
  ServerCredentials,
  type ServiceError,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { loadContract } from '../../src/csi/contract.ts'

export type FakeHandler = (request: never, signal: AbortSignal) => unknown

/** What a plugin can do: answers by RPC. A value is the answer, a function makes it (or throws a refusal). */
export type FakeAnswers = Readonly<Record<string, object | FakeHandler>>

const everything: FakeAnswers = {
  GetPluginInfo: { name: 'fake.example.com', vendorVersion: '1' },
  Probe: {},
  GetPluginCapabilities: {
    capabilities: [
      { service: { type: 'CONTROLLER_SERVICE' } },
      { service: { type: 'GROUP_CONTROLLER_SERVICE' } },
      { service: { type: 'VOLUME_ACCESSIBILITY_CONSTRAINTS' } },
    ],
  },
  ControllerGetCapabilities: {
    capabilities: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((type) => ({ rpc: { type } })),
  },
  GroupControllerGetCapabilities: { capabilities: [{ rpc: { type: 1 } }] },
  NodeGetCapabilities: { capabilities: [1, 2, 3, 4, 5, 6].map((type) => ({ rpc: { type } })) },
}

export interface FakePlugin {
  /** Every request that arrived, in order. */
  readonly received: Array<{ rpc: string; request: unknown }>
  /** Cuts every connection, as a process that dies. */
  die(): void
}

/** A gRPC server on a socket that announces every capability and answers as it is told, honest or not. */
export async function startFakePlugin(
  endpoint: string,
  answers: FakeAnswers,
  credentials = ServerCredentials.createInsecure(),
): Promise<FakePlugin & { port: number }> {
  const received: Array<{ rpc: string; request: unknown }> = []
  const server = new Server({ 'grpc.max_send_message_length': -1 })
  const { identity, controller, groupController, node } = loadContract()
  const all = { ...everything, ...answers }
  for (const service of [identity, controller, groupController, node]) {
    const implementation: UntypedServiceImplementation = {}
    for (const rpc of Object.keys(service)) {
      const answer = all[rpc]
      if (answer === undefined) continue
      const handle: handleUnaryCall<never, unknown> = async (call, respond) => {
        const { request } = call
        received.push({ rpc, request })
        const abort = new AbortController()
        call.on('cancelled', () => abort.abort())
        try {
          respond(null, typeof answer === 'function' ? await answer(request, abort.signal) : answer)
        } catch (error) {
          respond(error as ServiceError)
        }
      }
      implementation[rpc] = handle as handleUnaryCall<unknown, unknown>
    }
    server.addService(service, implementation)
  }
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync(endpoint, credentials, (error, bound) => (error ? reject(error) : resolve(bound))),
  )
  return { received, port, die: () => server.forceShutdown() }
}

/** A handler that never answers; resolves when the caller has gone. */
export const hang: FakeHandler = (_request, signal) =>
  new Promise((resolve) => signal.addEventListener('abort', resolve))
