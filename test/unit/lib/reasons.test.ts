import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { advise, commandsOf, placeholders } from '../../../src/lib/reasons/explanation.ts'
import { findReason, guessReason } from '../../../src/lib/reasons/find-reason.ts'
import { reasonGroups, reasons, stallReasons } from '../../../src/lib/reasons/reasons.ts'
import { annotations } from '../../../src/operator/desired/object-ends.ts'

const remedies = Object.entries(reasons).flatMap(([reason, { person }]) =>
  Object.values<(names: typeof placeholders) => string>(person).map(
    (remedy) => [reason, remedy(placeholders)] as const,
  ),
)
const sources = globSync('src/**/*.ts').filter((file) => !file.startsWith('src/lib/reasons/'))
const code = sources.map((file) => readFileSync(file, 'utf8')).join('\n')

describe('the catalogue of reasons', () => {
  it('has no reason that no code gives', () => {
    const unused = Object.keys(reasons).filter((reason) => !code.includes(`'${reason}'`))
    expect(unused).toEqual([])
  })

  it('has each reason in one group', () => {
    const grouped = reasonGroups.flatMap((group) => Object.keys(group.reasons))
    expect(grouped.sort()).toEqual(Object.keys(reasons).sort())
    expect(new Set(grouped).size).toBe(grouped.length)
  })

  it.each(Object.entries(reasons))(
    'says of %s what there is to know, in whole sentences',
    (_reason, { happened, data, mooring }) => {
      for (const text of [happened, data, mooring]) expect(text).toMatch(/^[A-Z].*\.$/)
    },
  )

  it('names a way out of everything that only a person can end', () => {
    const without = stallReasons.filter((reason) => Object.keys(reasons[reason].person).length === 0)
    expect(without).toEqual([])
  })

  it.each(remedies)('%s has its commands at the end of sentences: %s', (_reason, remedy) => {
    expect(remedy).toMatch(/^[A-Z]/)
    expect(remedy.split('`').length % 2).toBe(1)
    expect(remedy).not.toMatch(/`[^`]+`(?!\.|$|, or | of the operator)/)
  })

  it('names annotations that there are', () => {
    const named = remedies.flatMap(([, remedy]) => remedy.match(/mooring\.dev\/[a-z-]+/g) ?? [])
    expect(named.length).toBeGreaterThan(5)
    expect(Object.values(annotations)).toEqual(expect.arrayContaining(named))
  })
})

describe('advise', () => {
  it('joins remedies into sentences without the marks of their commands', () => {
    expect(advise('Wait.', 'To go on, run `mooring resume x`', 'Or leave it.')).toBe(
      'Wait. To go on, run mooring resume x. Or leave it.',
    )
    expect(advise('To go on, run `mooring resume x`')).toBe('To go on, run mooring resume x')
  })

  it('leaves the commands to whoever wants to paste them', () => {
    expect(commandsOf('Run `a b`, or `c`')).toEqual(['a b', 'c'])
  })

  it('quotes names that a shell would read otherwise', () => {
    const { recreate } = reasons.Vanished.person
    expect(commandsOf(recreate({ target: 'prod/set[2]', externalID: 'vol 1' }))).toEqual([
      "mooring recreate 'prod/set[2]' --lost 'vol 1'",
    ])
  })
})

describe('a reason that a person types', () => {
  it.each([
    ['vanished', 'Vanished'],
    ['OWNEDELSEWHERE', 'OwnedElsewhere'],
    ['data', undefined],
  ])('%s is %s', (word, reason) => expect(findReason(word)).toBe(reason))

  it.each([
    ['Vanishd', 'Vanished'],
    ['TooManyEnd', 'TooManyEnds'],
    ['postgres-data', undefined],
  ])('%s is meant to be %s', (word, reason) => expect(guessReason(word)).toBe(reason))
})
