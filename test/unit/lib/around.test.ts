import { expect, it } from 'vitest'
import { type Around, nest } from '../../../src/lib/around.ts'

it('goes around in the order given, and lets results and errors through as they are', async () => {
  const said: string[] = []
  const around =
    (name: string): Around<string> =>
    async (subject, run) => {
      said.push(`${name} before ${subject}`)
      try {
        return await run()
      } finally {
        said.push(`${name} after`)
      }
    }
  const both = nest(around('outer'), undefined, around('inner'))
  expect(await both('work', async () => said.push('work'))).toBe(3)
  expect(said).toEqual(['outer before work', 'inner before work', 'work', 'inner after', 'outer after'])
  await expect(both('work', () => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await nest()('work', async () => 7)).toBe(7)
})
