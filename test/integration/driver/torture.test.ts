import { afterAll, describe, expect, test } from 'vitest'
import { createTorturer } from '../../torture/torturer.ts'

const torturer = createTorturer()
afterAll(() => torturer.close())

/** `npm run torture` goes on where these end. */
const seeds = [1, 2]
const rounds = 4

const skipped =
  torturer.noDisk === undefined ? '' : ` (skipped: mounts, disks and power cuts: ${torturer.noDisk})`

describe(`whatever is called, killed, cut and made to fail${skipped}`, () => {
  test.each(seeds)(
    'what clients were told holds after each restart, from seed %d',
    async (seed) => {
      const found = await torturer.run(seed, { rounds, shrink: false })
      const again = `npm run torture -- --seed ${seed} --rounds ${rounds}`
      expect(found?.message, again).toBeUndefined()
    },
    240_000,
  )
})
