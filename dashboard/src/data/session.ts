import { signal } from '@preact/signals'
import type { Session } from '../../../src/wire/dashboard/session.ts'
import { announce } from './live.ts'
import { get, post } from './request.ts'

/** Who looks at the page; undefined until the operator has said it. */
export const session = signal<Session | undefined>(undefined)
export const isLogInOpen = signal(false)

/** @returns whether the operator answers; where it does not, what was known stays */
export async function readSession(): Promise<boolean> {
  try {
    session.value = await get<Session>('/api/session')
    return true
  } catch {
    // Whatever the reason is, it is asked again soon.
    return false
  }
}

/** @throws RequestFailure where the token is not accepted */
export async function logIn(token: string): Promise<void> {
  await post('/api/login', { token })
  await readSession()
  announce({ topics: 'all' })
}

export async function logOut(): Promise<void> {
  await post('/api/logout', {})
  await readSession()
  announce({ topics: 'all' })
}
