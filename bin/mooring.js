#!/usr/bin/env node
// The published command. Loaded by import() so that an old Node gets the sentence and not a stack trace.
import './require-node-24.js'

await import('../dist/main.js')
