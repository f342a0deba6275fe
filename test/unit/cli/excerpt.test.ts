import { describe, expect, it } from 'vitest'
import { formatExcerpt } from '../../../src/cli/excerpt.ts'

describe('the line of a mistake', () => {
  it('is shown with a mark beneath the column', () => {
    expect(formatExcerpt('a: 1\nspec: {size: 5}\n', 2, 8, 80)).toEqual([
      '    2 | spec: {size: 5}',
      '               ^',
    ])
  })

  it('keeps the mark in place behind a tab, and fits the width', () => {
    const [line, mark] = formatExcerpt(`\t${'x'.repeat(200)}!`, 1, 202, 60) ?? []
    expect(line?.length).toBeLessThanOrEqual(60)
    expect(line?.[mark?.indexOf('^') ?? 0]).toBe('!')
  })

  it.each([
    ['that is not there', 'a', 9],
    ['that is empty', 'a\n\nb', 2],
    ['that may hold a secret', 'a\nsecrets: {password: hunter2}', 2],
  ])('is not shown for one %s', (_what, text, line) => {
    expect(formatExcerpt(text, line, 1, 80)).toBeUndefined()
  })
})
