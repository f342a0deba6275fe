import { expect, it } from 'vitest'
import { openTogether } from '../../../src/lib/open-together.ts'

function createThings() {
  const closed: string[] = []
  const thing = (name: string, failure?: Error) => ({
    name,
    async close() {
      closed.push(name)
      if (failure !== undefined) throw failure
    },
  })
  return { closed, thing }
}

it('closes what it opened, the last one first, and only once', async () => {
  const { closed, thing } = createThings()
  const both = await openTogether(async (adopt) => {
    const first = adopt(thing('first'))
    return { first, second: adopt(thing('second')) }
  })
  expect([both.first.name, both.second.name, closed]).toEqual(['first', 'second', []])
  await both.close()
  await both.close()
  expect(closed).toEqual(['second', 'first'])
})

it('closes what it opened when a later one fails, and tells of that failure alone', async () => {
  const { closed, thing } = createThings()
  const opening = openTogether(async (adopt) => {
    adopt(thing('first'))
    adopt(thing('second', new Error('cannot be closed')))
    throw new Error('cannot be opened')
  })
  await expect(opening).rejects.toThrow('cannot be opened')
  expect(closed).toEqual(['second', 'first'])
})

it('closes the others too where one cannot be closed, and says so', async () => {
  const { closed, thing } = createThings()
  const failure = new Error('cannot be closed')
  const both = await openTogether(async (adopt) => {
    adopt(thing('first'))
    adopt(thing('second', failure))
    return {}
  })
  await expect(both.close()).rejects.toBe(failure)
  expect(closed).toEqual(['second', 'first'])
})
