import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

/** Phrases that had to be read twice. CONTRIBUTING.md shows what to write instead. */
const phrases =
  /\bwhoever\b|told apart|call(?:s|ed|ing)? (?:\w+ ){0,3}off\b|\bis out\b|\blets? (?:it )?go\b|under way|learnt of|\bmended\b|of what nobody|as it stands|looked after|what is there of|\bis there no more|looks? anew/i

const linesWith = (text: string) => text.split('\n').filter((line) => phrases.test(line))

describe('plain English', () => {
  it.each(['engine', 'inventory', 'desired', 'plan', 'reconcile'])(
    'is written in src/operator/%s',
    (room) => {
      const files = globSync(`src/operator/${room}/**/*.ts`)
      expect(files.length).toBeGreaterThan(4)
      const found = files.flatMap((file) => linesWith(readFileSync(file, 'utf8')).map((line) => [file, line]))
      expect(found).toEqual([])
    },
  )

  it.each(['the restore under way is called off', 'A create that is out is learnt of first.'])(
    'is not: %s',
    (line) => {
      expect(linesWith(line)).toEqual([line])
    },
  )
})
