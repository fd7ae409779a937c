// Writes layers_sequential/ and layers_functional/: models as TensorFlow.js saves them; and their weights, as it has them.
//
//     npm install @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-layers@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0
//     node .../make_layers.mjs
import * as fs from 'node:fs';
import {createRequire} from 'node:module';
import * as path from 'node:path';

// The packages lie where this is run, not where this file lies.
const load = createRequire(path.join(process.cwd(), 'here.js'));
const tf = load('@tensorflow/tfjs-core');
load('@tensorflow/tfjs-backend-cpu');
const {sequential, model, input, layers} = load('@tensorflow/tfjs-layers');
const here = path.dirname(new URL(import.meta.url).pathname);

/** Cells that differ, in every weight. */
function fill(network) {
  network.setWeights(network.getWeights().map((weight, number) => {
    const values = Float32Array.from({length: weight.size}, (_, cell) => cell * 1.37 - 3.1 + number);
    return tf.tensor(values, weight.shape);
  }));
}

/** Saves as tfjs-node does, and gives the weights. */
async function save(network, folder) {
  fill(network);
  fs.mkdirSync(path.join(here, folder), {recursive: true});
  const write = (name, content) => fs.writeFileSync(path.join(here, folder, name), content);
  await network.save(tf.io.withSaveHandler(async (artifacts) => {
    write('weights.bin', new Uint8Array(tf.io.CompositeArrayBuffer.join(artifacts.weightData)));
    write('model.json', JSON.stringify({
      modelTopology: artifacts.modelTopology,
      weightsManifest: [{paths: ['weights.bin'], weights: artifacts.weightSpecs}],
      format: artifacts.format,
      generatedBy: artifacts.generatedBy,
      convertedBy: artifacts.convertedBy,
    }) + '\n');
    return {modelArtifactsInfo: {dateSaved: new Date(0), modelTopologyType: 'JSON'}};
  }));
  const weights = network.weights.map((weight) => [
    weight.originalName, {shape: weight.shape, values: Array.from(weight.read().dataSync())},
  ]);
  return Object.fromEntries(weights);
}

const plain = sequential({
  name: 'plain',
  layers: [
    layers.conv2d({name: 'conv', inputShape: [4, 4, 1], filters: 2, kernelSize: 3, strides: 2, padding: 'same',
      activation: 'relu'}),
    layers.batchNormalization({name: 'norm', epsilon: 0.001}),
    layers.flatten({name: 'flat'}),
    layers.dense({name: 'logits', units: 3}),
  ],
});
const x = input({shape: [4, 4, 2], name: 'x'});
const down = layers.averagePooling2d({name: 'down', poolSize: 2}).apply(x);
const up = layers.conv2dTranspose({name: 'up', filters: 2, kernelSize: [2, 2], strides: [2, 2]}).apply(down);
const network = model({name: 'network', inputs: x, outputs: layers.add({name: 'sum'}).apply([up, x])});

const expected = {
  layers_sequential: await save(plain, 'layers_sequential'),
  layers_functional: await save(network, 'layers_functional'),
};
fs.writeFileSync(path.join(here, 'expected_layers.json'), JSON.stringify(expected, null, 1) + '\n');
