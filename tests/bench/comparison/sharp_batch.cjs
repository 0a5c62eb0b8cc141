// A folder of pictures through sharp, the way a server would: so many promises at a time, each with so many threads.
//   node sharp_batch.cjs '{"sharp": MODULE, "concurrency": 1, "parallel": 2, "job": {...}, "inputs": [...], "out": DIR}'
const { basename, join, parse } = require('path');

const { sharp: where, concurrency, parallel, job, inputs, out } = JSON.parse(process.argv[2]);
const sharp = require(where);
sharp.concurrency(concurrency);

function pipeline(file) {
  let image = sharp(file, { limitInputPixels: false });
  if (job.keeps_metadata) image = image.rotate();  // as EXIF says
  if (job.crop.length) {
    const [left, top, width, height] = job.crop;
    image = image.extract({ left, top, width, height });
  }
  const [width, height] = job.size;
  image = image.resize(width, height, {
    fit: job.fits ? 'inside' : 'fill',
    withoutEnlargement: job.fits,
    kernel: job.key === 'vips' ? 'linear' : 'lanczos3',
  });
  if (job.key === 'vips') image = image.convolve({ width: 3, height: 3, scale: 8, kernel: [-1, -1, -1, -1, 16, -1, -1, -1, -1] });
  if (job.sharpen) image = job.mild ? image.sharpen() : image.sharpen({ sigma: job.sharpen, m1: 0.5, m2: 0.5 });
  if (job.keeps_metadata) image = image.keepMetadata();
  if (job.format === 'jpeg') return image.jpeg({ quality: job.quality, optimiseCoding: false });
  return image[job.format](job.settings);
}

async function worker(queue) {
  for (let file = queue.pop(); file !== undefined; file = queue.pop())
    await pipeline(file).toFile(join(out, `${parse(basename(file)).name}.${job.format === 'jpeg' ? 'jpg' : job.format}`));
}

const queue = [...inputs].reverse();
Promise.all(Array.from({ length: parallel }, () => worker(queue))).catch((error) => {
  console.error(String(error));
  process.exit(1);
});
