import type { handleUnaryCall, Server, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js'
import { status } from '@grpc/grpc-js'
import type { GivenResponseOf, MethodName, ReceivedRequestOf } from '../csi/contract.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { DriverError, toDriverError } from './driver-error.ts'
import { checkRequest } from './request-limits.ts'

/** One async function per RPC of a service; an RPC that is left out answers UNIMPLEMENTED. */
export type Handlers<Definition> = {
  readonly [Name in MethodName<Definition>]?: (
    request: ReceivedRequestOf<Definition[Name]>,
  ) => Promise<GivenResponseOf<Definition[Name]>>
}

/** Adds a service whose handlers answer by returning, and refuse by throwing a DriverError. */
export function addHandlers<Definition extends ServiceDefinition>(
  server: Server,
  definition: Definition,
  handlers: Handlers<Definition>,
  { clock, log }: { clock: Clock; log: Log },
): void {
  const implementation: UntypedServiceImplementation = {}
  for (const [name, handler] of Object.entries<((request: never) => Promise<unknown>) | undefined>(
    handlers,
  )) {
    if (handler === undefined) continue
    const handle: handleUnaryCall<unknown, unknown> = (call, reply) => {
      const startedMs = clock.monotonicMs()
      const done = (code: status) =>
        log.debug({ rpc: name, code, ms: Math.round(clock.monotonicMs() - startedMs) }, 'rpc')
      // The definition that decoded the request is the one that types the handler.
      const answer = async () => {
        checkRequest(call.request)
        return handler(call.request as never)
      }
      answer().then(
        (response) => {
          done(status.OK)
          reply(null, response)
        },
        (error: unknown) => {
          const { code, message } = toDriverError(error)
          done(code)
          // Requests are not logged at all: they may hold secrets.
          if (!(error instanceof DriverError)) log.error({ rpc: name, err: error }, 'rpc failed')
          reply({ code, details: message })
        },
      )
    }
    implementation[name] = handle
  }
  server.addService(definition, implementation)
}
