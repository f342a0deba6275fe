import { userInfo } from 'node:os'
import process from 'node:process'

/** The user of this process for people to read, with the one who used sudo. undefined: the system knows none. */
export function currentUser(): string | undefined {
  try {
    const { username } = userInfo()
    const { SUDO_USER: before } = process.env
    return before === undefined || before === '' ? username : `${before}, as ${username}`
  } catch {
    // A container may run under a number that has no name.
    const uid = process.getuid?.()
    return uid === undefined ? undefined : `user ${uid}`
  }
}
