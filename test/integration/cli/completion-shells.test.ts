import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { beforeAll, describe, expect, it } from 'vitest'
import { kindWords } from '../../../src/lib/declared-kinds.ts'
import { runMooring } from '../../helpers/run-mooring.ts'
import { suiteDirectory } from '../../helpers/temporary-directory.ts'

const isMissing = (shell: string) => spawnSync(shell, ['--version']).status !== 0

type Prepared = Awaited<ReturnType<typeof prepare>>

/** Puts the script for a shell into a folder, beside a `mooring` that names one volume: default/alpha. */
async function prepare(folder: string, shell: string, file: string) {
  const { stdout } = await runMooring(['completion', shell])
  writeFileSync(join(folder, file), stdout)
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/mooring'), '#!/bin/sh\necho "default/alpha"\n', { mode: 0o755 })
  const PATH = [join(folder, 'bin'), process.env.PATH].join(delimiter)
  return { folder, env: { ...process.env, HOME: folder, PATH, TERM: 'dumb' } }
}

const isWithoutFish = isMissing('fish')
const isWithoutZsh = isMissing('zsh')

describe.skipIf(isWithoutFish)(`completion in fish (skipped where there is none: ${isWithoutFish})`, () => {
  const directory = suiteDirectory()
  let prepared: Prepared
  beforeAll(async () => {
    prepared = await prepare(directory, 'fish', 'mooring.fish')
  })
  it.each([
    ['mooring st', ['status']],
    ['mooring snapshot ', ['keep', 'now', 'trust-clock']],
    ['mooring get --output j', ['json']],
    ['mooring describe ', [...kindWords, 'alpha'].sort()],
    ['mooring describe volume ', ['alpha']],
    ['mooring snapshot keep ', [...kindWords, 'alpha'].sort()],
  ])('offers of "%s" %j', (line, offers) => {
    const { folder, env } = prepared
    const ask = `source ${join(folder, 'mooring.fish')}; complete -C '${line}'`
    const said = execFileSync('fish', ['--command', ask], { env, encoding: 'utf8' })
    const words = said.split('\n').map((each) => each.split('\t')[0])
    expect(words.filter((word) => word !== '')).toEqual(offers)
  })
})

describe.skipIf(isWithoutZsh)(`completion in zsh (skipped where there is none: ${isWithoutZsh})`, () => {
  const directory = suiteDirectory()
  let prepared: Prepared
  beforeAll(async () => {
    prepared = await prepare(directory, 'zsh', '_mooring')
  })
  it.each([
    ['mooring stat', 'mooring status'],
    ['mooring snapshot kee', 'mooring snapshot keep'],
    ['mooring get --output js', 'mooring get --output json'],
    ['mooring describe al', 'mooring describe alpha'],
    ['mooring describe volume al', 'mooring describe volume alpha'],
    ['mooring snapshot keep al', 'mooring snapshot keep alpha'],
  ])('makes "%s" into "%s"', (line, becomes) => {
    const { folder, env } = prepared
    const type = `zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=(${folder} \\$fpath); autoload -U compinit; compinit -u -D"
zpty -w -n shell "${line}"$'\\t'
zpty -r shell said '*${becomes}*' && echo completed`
    expect(execFileSync('zsh', ['-f', '-c', type], { env, encoding: 'utf8', timeout: 50_000 })).toBe(
      'completed\n',
    )
  })
})
