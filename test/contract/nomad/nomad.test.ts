import { describe } from 'vitest'
import {
  modelLacks,
  simulatedLacks,
  startModelWorld,
  startReadingDouble,
  startSimulatedWorld,
} from './doubles.ts'
import { serverLacks, startOwnServer } from './server.ts'
import { tryContract } from './try-rows.ts'

describe('the world of the model tests', () => tryContract(startModelWorld, modelLacks))
describe('the world of the simulator', () => tryContract(startSimulatedWorld, simulatedLacks))
describe('the double that tests of the observer read', () =>
  tryContract(startReadingDouble, {}, ['reads', 'watching']))
describe('mooring server', () => tryContract(() => startOwnServer('page'), serverLacks))
describe('mooring server --registration=nomad', () => tryContract(() => startOwnServer('nomad'), serverLacks))
