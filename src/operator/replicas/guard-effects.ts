import { OperationError } from '../../lib/errors.ts'

/** By then another replica may lead, or this one again. */
const askAgainMs = 5_000

/**
 * Wraps a port so that its methods reject unless `mayAct()` at the moment of the call. So nothing starts after the
 * leadership has ended. Every method of the port must return a promise.
 * @throws OperationError `waiting` with reason `NotLeader`, as the rejection of the method
 */
export function guardEffects<Port extends object>(port: Port, mayAct: () => boolean): Port {
  return new Proxy(port, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return async (...parameters: unknown[]) => {
        if (!mayAct()) throw notLeader()
        return Reflect.apply(member, target, parameters)
      }
    },
  })
}

export function notLeader(cause?: unknown): OperationError {
  return new OperationError(
    'this replica is not the leader, so it starts nothing; the leader does the work',
    {
      kind: 'waiting',
      reason: 'NotLeader',
      retryAfterMs: askAgainMs,
      ...(cause === undefined ? {} : { cause }),
    },
  )
}
