import { UsageError } from '../../lib/errors.ts'
import type { Admin } from './admin.ts'

/**
 * The admin API of a process whose work comes and goes: every call but `info` goes to whoever works now.
 * @param options.current undefined: this replica stands by, and calls reject with a UsageError that names the leader
 * @param options.leader as it was last seen
 */
export function createCurrentAdmin(options: {
  readonly current: () => Admin | undefined
  readonly leader: () => string | undefined
  readonly info: Admin['info']
}): Admin {
  const { current, leader, info } = options
  // The handler gives what the target lacks.
  return new Proxy({ info } as Admin, {
    get(target, name) {
      if (name === 'info') return target.info
      // Whoever awaits it must not take it for a promise.
      if (name === 'then') return undefined
      return async (...parameters: unknown[]) => {
        const admin = current()
        if (admin === undefined) throw new UsageError(standsBy(leader()))
        return Reflect.apply(Reflect.get(admin, name), admin, parameters)
      }
    },
  })
}

/** Why a replica that does not lead answers nothing. */
export function standsBy(leader: string | undefined): string {
  return leader === undefined
    ? 'this replica stands by, and none was seen to lead yet: ask again'
    : `this replica stands by while ${leader} leads: ask there`
}
