/* libvips' benchmark from C (github.com/libvips/vips-bench): crop, shrink, 3x3 sharpen, save.
 *   vips_job IN OUT LEFT TOP WIDTH HEIGHT OUT_WIDTH OUT_HEIGHT */
#include <stdlib.h>
#include <vips/vips.h>

int main(int argc, char **argv) {
  if (argc != 9 || VIPS_INIT(argv[0])) return 2;
  int v[6];
  for (int i = 0; i < 6; i++) v[i] = atoi(argv[3 + i]);
  VipsImage *global = vips_image_new(), **t = (VipsImage **)vips_object_local_array(VIPS_OBJECT(global), 4);
  if (!(t[0] = vips_image_new_from_file(argv[1], "access", VIPS_ACCESS_SEQUENTIAL, NULL)) ||
      !(t[3] = vips_image_new_matrixv(3, 3, -1.0, -1.0, -1.0, -1.0, 16.0, -1.0, -1.0, -1.0, -1.0)))
    vips_error_exit("cannot open %s", argv[1]);
  vips_image_set_double(t[3], "scale", 8);
  VipsImage *reduced = NULL, *sharp = NULL;
  if (vips_extract_area(t[0], &t[1], v[0], v[1], v[2], v[3], NULL) ||
      vips_resize(t[1], &reduced, (double)v[4] / v[2], "vscale", (double)v[5] / v[3], "kernel", VIPS_KERNEL_LINEAR, NULL) ||
      vips_conv(reduced, &sharp, t[3], "precision", VIPS_PRECISION_INTEGER, NULL) ||
      vips_image_write_to_file(sharp, argv[2], NULL))
    vips_error_exit("%s", argv[1]);
  g_object_unref(sharp);
  g_object_unref(reduced);
  g_object_unref(global);
  vips_shutdown();
  return 0;
}
