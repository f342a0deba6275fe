import { OperationError } from '../../lib/errors.ts'

/** Another replica may lead by then, or this one again; a pass asks again in any case. */
const askAgainMs = 5_000

/**
 * The same port, whose methods reject unless `mayAct()`: asked when each is called, so that nothing starts
 * after the leadership is gone. Every method of it has to be an effect that returns a promise.
 * @throws OperationError `waiting` with reason `NotLeader`, by the promise of the method
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
  return new OperationError('this replica does not lead: it starts nothing, and another one goes on', {
    kind: 'waiting',
    reason: 'NotLeader',
    retryAfterMs: askAgainMs,
    ...(cause === undefined ? {} : { cause }),
  })
}
